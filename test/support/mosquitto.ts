import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Child, type Exit } from './children.js';
import { findProgram } from './needs.js';
import { freePort } from './ports.js';
import { scratchDirectory } from './scratch.js';
import { untilSaid } from './until.js';

export interface MosquittoOptions {
  /** Keep sessions on disk across an orderly restart. Default false: a restart loses every session. */
  persistence?: boolean;
  /** Default: a scratch directory. */
  directory?: string;
  /** Default: a free one. */
  port?: number;
  /** Unacknowledged messages per client; 0: no limit. Default: the broker's own. */
  maxInflight?: number;
  /** Who may log in, by user name; then nobody comes in without. Default: everybody. */
  passwords?: { [user: string]: string };
  /** Lines of an `acl_file`. Default: everything is allowed. */
  acl?: string[];
  /** More lines of its configuration file. */
  lines?: string[];
}

const PASSWORDS = 'passwords';
/** Said when all listeners are open: a later one that fails ends it. */
const RUNNING = /mosquitto version \S+ running/;

/** A Mosquitto of the test's own on 127.0.0.1, killed when the test process ends. */
export class Mosquitto {
  readonly url: string;
  #child: Child;

  constructor(
    readonly port: number,
    readonly directory: string,
    readonly configFile: string,
  ) {
    this.url = `mqtt://127.0.0.1:${port}`;
    this.#child = this.#spawn();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The last of what it logged. */
  get log(): string {
    return this.#child.tail;
  }

  /** Resolves when it accepts connections at every listener. */
  ready(): Promise<void> {
    return untilSaid(this.#child, RUNNING, { what: `mosquitto on port ${this.port}` });
  }

  /** `SIGTERM` lets it save what `persistence` keeps; `SIGKILL` does not. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    return this.#child.stop(signal);
  }

  /** On the same port, after {@link stop}. */
  async start(): Promise<void> {
    this.#child = this.#spawn();
    await this.ready();
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  /** Other passwords than those it was started with; who is connected with an old one is thrown out. */
  setPasswords(passwords: { [user: string]: string }): void {
    writtenFile(this.directory, PASSWORDS, hashed(passwords));
    this.reload();
  }

  /** Reads its configuration, passwords and ACLs again. */
  reload(): void {
    this.#child.signal('SIGHUP');
  }

  #spawn(): Child {
    const program = findProgram('mosquitto');
    if (program === undefined) throw new Error("mosquitto is not installed; say skip: needs('mosquitto')");
    return new Child(program, ['-c', this.configFile]);
  }
}

export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const { persistence = false, directory = scratchDirectory('mosquitto'), maxInflight, lines = [] } = options;
  const port = options.port ?? (await freePort());
  const configFile = join(directory, 'mosquitto.conf');
  const database = join(directory, 'mosquitto.db');
  if (!persistence && existsSync(database)) rmSync(database);
  const config = [
    `listener ${port} 127.0.0.1`,
    ...(options.passwords ? passwordLines(directory, options.passwords) : ['allow_anonymous true']),
    ...(options.acl ? [`acl_file ${writtenFile(directory, 'acl', options.acl)}`] : []),
    // Without it, root's broker becomes a user that cannot write here.
    `user ${userInfo().username}`,
    'max_queued_messages 0',
    ...(maxInflight === undefined ? [] : [`max_inflight_messages ${maxInflight}`]),
    ...(persistence ? ['persistence true', `persistence_location ${directory}/`, 'autosave_interval 0'] : []),
    'log_dest stderr',
    ...lines,
  ];
  writeFileSync(configFile, `${config.join('\n')}\n`);
  const broker = new Mosquitto(port, directory, configFile);
  await broker.ready();
  return broker;
}

function passwordLines(directory: string, passwords: { [user: string]: string }): string[] {
  return ['allow_anonymous false', `password_file ${writtenFile(directory, PASSWORDS, hashed(passwords))}`];
}

/** As mosquitto_passwd writes them: PBKDF2 of SHA-512. */
function hashed(passwords: { [user: string]: string }): string[] {
  const iterations = 101;
  return Object.entries(passwords).map(([user, password]) => {
    const salt = randomBytes(12);
    const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
    return `${user}:$7$${iterations}$${salt.toString('base64')}$${hash.toString('base64')}`;
  });
}

function writtenFile(directory: string, name: string, lines: string[]): string {
  const file = join(directory, name);
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** A password file with one user. */
export function passwordFile(user: string, password: string): string {
  const file = join(scratchDirectory('passwords'), 'passwords');
  writeFileSync(file, '');
  const { status, stderr } = spawnSync(findProgram('mosquitto_passwd')!, ['-b', file, user, password]);
  if (status !== 0) throw new Error(`mosquitto_passwd: ${stderr.toString()}`);
  return file;
}
