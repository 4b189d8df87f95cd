/** `holdfast doctor` as its users run it, and its rows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Row } from '../../src/doctor/index.js';
import { Child } from './children.js';
import { gatewayConfig, type GatewayConfig } from './gateway-config.js';
import { GATEWAY_MAIN } from './gateway-process.js';
import { scratchDirectory } from './scratch.js';

export interface Seen {
  code: number | null;
  stdout: string;
  /** Everything it wrote, for a failure's message. */
  text: string;
  broker: string;
  rows: Row[];
  /** The first row of the check; throws when there is none. */
  row(check: string): Row;
}

/** With the usual configuration and what `config` changes of it. */
export async function runDoctor(config: GatewayConfig, args: string[] = [], { json = true } = {}): Promise<Seen> {
  const lines: string[] = [];
  const child = await startDoctor(config, json ? [...args, '--json'] : args, (line) => lines.push(line));
  const { code } = await child.exit;
  const stdout = lines.join('\n');
  const text = `${stdout}\n${child.tail}`;
  const { rows = [], broker = '' } = json ? parsed(stdout, text) : {};
  const row = (check: string): Row => {
    const found = rows.find((one) => one.check === check);
    if (!found) throw new Error(`no row is about ${check}:\n${text}`);
    return found;
  };
  return { code, stdout, text, broker, rows, row };
}

/** @param onLine told its standard output; without it that is in the child's tail */
export async function startDoctor(
  config: GatewayConfig,
  args: string[] = [],
  onLine?: (line: string) => void,
): Promise<Child> {
  const file = await doctorConfig(config);
  return new Child(process.execPath, [GATEWAY_MAIN, 'doctor', '--config', file, ...args], onLine ? { onLine } : {});
}

/** A file with the usual configuration and what `config` changes of it; undefined removes what was there. */
export async function doctorConfig(config: GatewayConfig): Promise<string> {
  const file = join(scratchDirectory('doctor'), 'gateway.yaml');
  writeFileSync(file, stringify(await gatewayConfig(config), { keepUndefined: false }));
  return file;
}

function parsed(stdout: string, text: string): { broker: string; rows: Row[] } {
  try {
    return JSON.parse(stdout) as { broker: string; rows: Row[] };
  } catch (error) {
    throw new Error(`this is not JSON:\n${text}`, { cause: error });
  }
}
