import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const RARE = [
  ...(['nats-server', 'rabbitmq-server', 'python3', 'go'] as const),
  ...(['chromium', 'promtool', 'prometheus', 'helm', 'kubeconform', 'kustomize', 'ip'] as const),
] as const;
/** What some tests need and a machine may lack. `tmpfs`: the right to mount one; `namespaces`: to make them. */
export const TOOLS = ['mosquitto', 'openssl', 'strace', 'faketime', 'tmpfs', 'namespaces', ...RARE] as const;
export type Tool = (typeof TOOLS)[number];
/** Those that are a right and no program. */
export type Right = 'tmpfs' | 'namespaces';
/** Large ones: looked for, and installed, only for a run with a file that names them. */
export const RARE_TOOLS: readonly Tool[] = RARE;

/** Debian keeps daemons in folders that are not in everyone's PATH. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin', '/opt/homebrew/bin'];

/** Where the provisioning puts what it builds itself; outside the checkout, so that it is built once for all of them. */
export const BUILT = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'holdfast', 'tools');

/** Where a program is; undefined when it is not on this machine. */
export function findProgram(name: string): string | undefined {
  const folders = [BUILT, ...(process.env['PATH'] ?? '').split(delimiter), ...MORE_FOLDERS];
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/**
 * The value for a test's `skip` option: false when everything is at hand, else the reason. The runner has
 * looked already (`HOLDFAST_TOOLS`); a test file that is run by itself looks for the programs.
 */
export function needs(...tools: Tool[]): false | string {
  const found = process.env['HOLDFAST_TOOLS']?.split(',');
  const missing = tools.filter((tool) => (found ? !found.includes(tool) : !atHand(tool)));
  return missing.length === 0 ? false : `needs ${missing.join(' and ')}`;
}

function atHand(tool: Tool): boolean {
  return tool === 'tmpfs' || tool === 'namespaces' ? process.getuid?.() === 0 : findProgram(tool) !== undefined;
}
