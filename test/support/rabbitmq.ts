import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from './certificates.js';
import { Child, type Exit } from './children.js';
import { findProgram } from './needs.js';
import { freePorts } from './ports.js';
import { scratchDirectory } from './scratch.js';
import { untilSaid } from './until.js';

/** Debian's programs themselves: those in the path change to the package's own user and its folders. */
const PROGRAMS = '/usr/lib/rabbitmq/bin';
const START_TIMEOUT_MS = 90_000;
const NODE = 'holdfast@localhost';

export interface RabbitUser {
  password: string;
  /** Regular expressions of routing keys (dots for slashes); absent: the user may not enter the virtual host. */
  topics?: { read: string; write: string };
  maxConnections?: number;
}

export interface RabbitOptions {
  /** By name. */
  users: { [name: string]: RabbitUser };
  tls: Certificate & { caFile: string };
}

export interface RabbitPorts {
  amqp: number;
  mqtt: number;
  mqtts: number;
  ws: number;
  epmd: number;
  distribution: number;
}

type Six = [number, number, number, number, number, number];

/**
 * A RabbitMQ with MQTT and Web-MQTT of the test's own: its folders, ports, cookie and node name are scratch, whatever
 * the package's service does. Its name server (epmd) runs in the foreground beside it: RabbitMQ would start one that
 * outlives it.
 */
export class RabbitMq {
  readonly #epmd: Child;
  #child: Child;

  constructor(
    readonly ports: RabbitPorts,
    readonly directory: string,
  ) {
    const epmd = findProgram('epmd');
    if (epmd === undefined) throw new Error("epmd is not installed; say skip: needs('rabbitmq-server')");
    this.#epmd = new Child(epmd, ['-port', String(ports.epmd), '-address', '127.0.0.1']);
    this.#child = this.#spawn();
  }

  get log(): string {
    return this.#child.tail;
  }

  ready(): Promise<void> {
    const what = `rabbitmq-server on port ${this.ports.mqtt}`;
    return untilSaid(this.#child, /Server startup complete/, { timeoutMs: START_TIMEOUT_MS, everyMs: 100, what });
  }

  /** The broker alone: it may be started again. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    return this.#child.stop(signal, START_TIMEOUT_MS);
  }

  /** On the same ports, after {@link stop}. */
  async start(): Promise<void> {
    this.#child = this.#spawn();
    await this.ready();
  }

  /** For good. */
  async end(): Promise<void> {
    await this.#child.stop('SIGKILL');
    await this.#epmd.stop('SIGKILL');
  }

  /** `rabbitmqctl`; takes some seconds. */
  control(...args: string[]): string {
    const options = { env: this.#environment, encoding: 'utf8', timeout: START_TIMEOUT_MS } as const;
    const { status, stdout, stderr } = spawnSync(join(PROGRAMS, 'rabbitmqctl'), ['-n', NODE, ...args], options);
    if (status !== 0) throw new Error(`rabbitmqctl ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  #spawn(): Child {
    return new Child(join(PROGRAMS, 'rabbitmq-server'), [], { cwd: this.directory, env: this.#environment });
  }

  get #environment(): NodeJS.ProcessEnv {
    const inside = (name: string): string => join(this.directory, name);
    return {
      PATH: process.env['PATH'],
      HOME: this.directory, // the cookie is kept there
      ERL_EPMD_PORT: String(this.ports.epmd),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: NODE,
      RABBITMQ_DIST_PORT: String(this.ports.distribution),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      RABBITMQ_CONF_ENV_FILE: inside('none'),
      RABBITMQ_CONFIG_FILE: inside('rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: inside('none.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: inside('enabled_plugins'),
      RABBITMQ_MNESIA_BASE: inside('mnesia'),
      RABBITMQ_LOG_BASE: inside('log'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_GENERATED_CONFIG_DIR: inside('generated'),
      RABBITMQ_FEATURE_FLAGS_FILE: inside('feature_flags'),
      RABBITMQ_PID_FILE: inside('pid'),
    };
  }
}

export async function startRabbitMq({ users, tls }: RabbitOptions): Promise<RabbitMq> {
  const [amqp, mqtt, mqtts, ws, epmd, distribution] = (await freePorts(6)) as Six;
  const directory = scratchDirectory('rabbitmq');
  const definitions = join(directory, 'definitions.json');
  writeFileSync(definitions, JSON.stringify(definitionsOf(users)));
  writeFileSync(join(directory, 'enabled_plugins'), '[rabbitmq_mqtt,rabbitmq_web_mqtt].\n');
  const config = [
    `listeners.tcp.1 = 127.0.0.1:${amqp}`,
    `mqtt.listeners.tcp.1 = 127.0.0.1:${mqtt}`,
    `mqtt.listeners.ssl.1 = 127.0.0.1:${mqtts}`,
    'mqtt.allow_anonymous = false',
    'web_mqtt.tcp.ip = 127.0.0.1',
    `web_mqtt.tcp.port = ${ws}`,
    `ssl_options.cacertfile = ${tls.caFile}`,
    `ssl_options.certfile = ${tls.certFile}`,
    `ssl_options.keyfile = ${tls.keyFile}`,
    'log.console = true',
    'log.file = false',
    `load_definitions = ${definitions}`,
  ];
  writeFileSync(join(directory, 'rabbitmq.conf'), `${config.join('\n')}\n`);
  const broker = new RabbitMq({ amqp, mqtt, mqtts, ws, epmd, distribution }, directory);
  await broker.ready();
  return broker;
}

function definitionsOf(users: RabbitOptions['users']): object {
  const entries = Object.entries(users);
  const inside = entries.filter(([, { topics }]) => topics !== undefined);
  return {
    vhosts: [{ name: '/' }],
    users: entries.map(([name, { password, maxConnections }]) => ({
      name,
      password_hash: hashed(password),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: '',
      limits: maxConnections === undefined ? {} : { 'max-connections': maxConnections },
    })),
    permissions: inside.map(([user]) => ({ user, vhost: '/', configure: '.*', write: '.*', read: '.*' })),
    topic_permissions: inside.map(([user, { topics }]) => ({ user, vhost: '/', exchange: 'amq.topic', ...topics })),
  };
}

/** Four bytes of salt, then the SHA-256 of them and the password. */
function hashed(password: string): string {
  const salt = Buffer.from('salt');
  const digest = createHash('sha256').update(salt).update(password).digest();
  return Buffer.concat([salt, digest]).toString('base64');
}

export function rabbitMqVersion(): string {
  const [plugin] = globSync(join(PROGRAMS, '../lib/rabbitmq_server-*'));
  return plugin!.split('-').at(-1)!;
}
