/** Finds, or installs where nobody has to be asked, the programs that some tests need. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILT, findProgram, type Right, type Tool } from './needs.js';

/** A browser is more than a hundred megabytes. */
const INSTALL_TIMEOUT_MS = 600_000;
const TRY_TIMEOUT_MS = 20_000;

type Program = Exclude<Tool, Right>;

/** How each shows that it works here: strace, for one, is often forbidden inside containers. None: that it is there. */
const TRIALS: { [program in Program]: string[] | undefined } = {
  mosquitto: ['-h'],
  openssl: ['version'],
  strace: ['-f', '-o', '/dev/null', 'true'],
  faketime: ['-f', '+1d', 'date'],
  'nats-server': ['--version'],
  'rabbitmq-server': undefined,
  python3: ['--version'],
  go: ['version'],
  chromium: ['--headless', '--no-sandbox', '--version'],
  promtool: ['--version'],
  prometheus: ['--version'],
  helm: ['version'],
  kubeconform: ['-v'],
  kustomize: ['version'],
  ip: ['-V'],
};
const RIGHTS: { [right in Right]: () => boolean } = { tmpfs: mounts, namespaces };
interface Sources {
  apt?: string[];
  brew?: string;
  /** A package of Go, built where the packages above have none. */
  go?: string;
}
const PACKAGES: { [program in Program]: Sources } = {
  mosquitto: { apt: ['mosquitto'], brew: 'mosquitto' },
  openssl: { apt: ['openssl'], brew: 'openssl' },
  strace: { apt: ['strace'] },
  faketime: { apt: ['faketime'], brew: 'libfaketime' },
  'nats-server': { apt: ['nats-server'], brew: 'nats-server' },
  'rabbitmq-server': { apt: ['rabbitmq-server'] },
  python3: { apt: ['python3'], brew: 'python' },
  go: { apt: ['golang-go'], brew: 'go' },
  // It recommends fonts, which are not installed with it: without any there are boxes for letters.
  chromium: { apt: ['chromium', 'fonts-dejavu-core'] },
  promtool: { apt: ['prometheus'], brew: 'prometheus' },
  prometheus: { apt: ['prometheus'], brew: 'prometheus' },
  ip: { apt: ['iproute2'] },
  // Debian has none of them.
  helm: { brew: 'helm', go: 'helm.sh/helm/v3/cmd/helm@v3.22.0' },
  kubeconform: { brew: 'kubeconform', go: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0' },
  kustomize: { brew: 'kustomize', go: 'sigs.k8s.io/kustomize/kustomize/v5@v5.8.2' },
};
/** Packages of brokers start a service at once, which nobody has asked for [Debian Policy, 9.3.3]. */
const NO_SERVICES = `
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  trap 'exit 1' TERM INT
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod +x $policy
fi
apt-get "$@"`;

export interface Provision {
  found: Tool[];
  missing: Tool[];
}

/** @param say told what is being done, a line at a time */
export function provision(tools: readonly Tool[], say: (line: string) => void): Provision {
  const absent = tools.filter((tool): tool is Program => !isRight(tool) && !works(tool));
  const builds = absent.some((program) => PACKAGES[program].go !== undefined);
  const installed: Program[] = builds && !works('go') ? [...absent, 'go'] : absent;
  if (installed.length > 0) install(installed, say);
  for (const program of absent) build(program, say);
  const found = tools.filter((tool) => (isRight(tool) ? RIGHTS[tool]() : works(tool)));
  return { found, missing: tools.filter((tool) => !found.includes(tool)) };
}

function works(program: Program): boolean {
  const file = findProgram(program);
  const trial = TRIALS[program];
  if (file === undefined || trial === undefined) return file !== undefined;
  const { status, error } = spawnSync(file, trial, { stdio: 'ignore', timeout: TRY_TIMEOUT_MS });
  // Mosquitto's help does not exit with 0; that it ran is enough.
  return error === undefined && (status === 0 || (program === 'mosquitto' && status !== null));
}

function install(programs: Program[], say: (line: string) => void): void {
  if (findProgram('apt-get') !== undefined) {
    const names = [...new Set(programs.flatMap((program) => PACKAGES[program].apt ?? []))];
    const root = asRoot();
    if (!root || names.length === 0) return;
    say(`installing ${names.join(', ')} with apt-get`);
    const shell = [...root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'sh', '-c', NO_SERVICES, 'apt-get'];
    const apt = (...args: string[]): boolean => succeeds([...shell, ...args]);
    const wanted = ['install', '-y', '-q', '--no-install-recommends', ...names];
    if (apt(...wanted)) return;
    if (!apt('update', '-q') || !apt(...wanted)) say('apt-get could not install them');
  } else if (findProgram('brew') !== undefined) {
    const names = [...new Set(programs.flatMap((program) => PACKAGES[program].brew ?? []))];
    if (names.length === 0) return;
    say(`installing ${names.join(', ')} with brew`);
    if (!succeeds(['brew', 'install', '--quiet', ...names])) say('brew could not install them');
  }
}

/** Some minutes for Helm, once for all checkouts on the machine. */
function build(program: Program, say: (line: string) => void): void {
  const source = PACKAGES[program].go;
  const go = findProgram('go');
  if (source === undefined || go === undefined || works(program)) return;
  say(`building ${source} into ${BUILT}`);
  const env = { GOBIN: BUILT, CGO_ENABLED: '0', GOTOOLCHAIN: 'auto' };
  const set = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if (!succeeds(['env', ...set, go, 'install', '-trimpath', '-ldflags=-s -w', source])) say('go could not build it');
}

/** What to put before a command that needs root; undefined when that would ask for a password. */
function asRoot(): string[] | undefined {
  if (process.getuid?.() === 0) return [];
  return findProgram('sudo') !== undefined && succeeds(['sudo', '-n', 'true']) ? ['sudo', '-n'] : undefined;
}

function isRight(tool: Tool): tool is Right {
  return tool in RIGHTS;
}

/** Of each kind that a container has, with a file system in layers. */
function namespaces(): boolean {
  if (!mounts()) return false;
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-layers-'));
  const layers = ['lower', 'upper', 'work', 'root'].map((name) => join(directory, name));
  layers.forEach((layer) => mkdirSync(layer));
  const [lower, upper, work, root] = layers;
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  const mount = ['mount', '-t', 'overlay', '-o', options, 'overlay', root!];
  const works = succeeds(['unshare', '--mount', '--net', '--pid', '--uts', '--ipc', '--fork', ...mount]);
  rmSync(directory, { recursive: true, force: true });
  return works;
}

function mounts(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-mount-'));
  const works =
    succeeds(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]) && succeeds(['umount', directory]);
  rmSync(directory, { recursive: true, force: true });
  return works;
}

function succeeds([command, ...args]: string[]): boolean {
  const { status } = spawnSync(command!, args, { stdio: 'ignore', timeout: INSTALL_TIMEOUT_MS });
  return status === 0;
}
