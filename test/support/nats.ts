import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from './certificates.js';
import { Child, type Exit } from './children.js';
import { findProgram } from './needs.js';
import { freePorts } from './ports.js';
import { scratchDirectory } from './scratch.js';
import { untilSaid } from './until.js';

export interface NatsUser {
  password: string;
  /** Topic filters of MQTT. */
  read: string[];
  write: string[];
  /** Default true; a user who may speak NATS alone is refused at the MQTT listener. */
  mqtt?: boolean;
}

export interface NatsOptions {
  /** By name. */
  users: { [name: string]: NatsUser };
  /** Of a payload. Default: the broker's own, 1 MiB. */
  maxPayloadBytes?: number;
  maxConnections?: number;
  /** Then its one MQTT listener speaks TLS only. */
  tls?: Certificate;
}

/** A NATS server with its MQTT and WebSocket listeners on 127.0.0.1, killed when the test process ends. */
export class Nats {
  #child: Child;

  constructor(
    readonly ports: { client: number; mqtt: number; ws: number },
    readonly directory: string,
  ) {
    this.#child = this.#spawn();
  }

  get log(): string {
    return this.#child.tail;
  }

  ready(): Promise<void> {
    return untilSaid(this.#child, /Server is ready/, { what: `nats-server on port ${this.ports.mqtt}` });
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    return this.#child.stop(signal);
  }

  /** On the same ports, after {@link stop}. */
  async start(): Promise<void> {
    this.#child = this.#spawn();
    await this.ready();
  }

  /** Every session and retained message, after {@link stop}. */
  forget(): void {
    rmSync(join(this.directory, 'jetstream'), { recursive: true, force: true });
  }

  #spawn(): Child {
    const program = findProgram('nats-server');
    if (program === undefined) throw new Error("nats-server is not installed; say skip: needs('nats-server')");
    return new Child(program, ['-c', join(this.directory, 'nats.conf')]);
  }
}

export async function startNats(options: NatsOptions): Promise<Nats> {
  const [client, mqtt, ws] = (await freePorts(3)) as [number, number, number];
  const directory = scratchDirectory('nats');
  const { users, maxPayloadBytes, maxConnections, tls } = options;
  const secure = tls ? { tls: { cert_file: tls.certFile, key_file: tls.keyFile } } : {};
  const config = {
    server_name: 'holdfast',
    listen: `127.0.0.1:${client}`,
    jetstream: { store_dir: directory }, // it keeps MQTT sessions there, and has no MQTT without it
    mqtt: { listen: `127.0.0.1:${mqtt}`, ...secure },
    websocket: { listen: `127.0.0.1:${ws}`, no_tls: true },
    authorization: { users: Object.entries(users).map(([name, user]) => userOf(name, user)) },
    ...(maxPayloadBytes === undefined ? {} : { max_payload: maxPayloadBytes }),
    ...(maxConnections === undefined ? {} : { max_connections: maxConnections }),
  };
  writeFileSync(join(directory, 'nats.conf'), JSON.stringify(config, undefined, 2));
  const broker = new Nats({ client, mqtt, ws }, directory);
  await broker.ready();
  return broker;
}

function userOf(user: string, { password, read, write, mqtt = true }: NatsUser): object {
  if (!mqtt) return { user, password, allowed_connection_types: ['STANDARD'] };
  // What is its own in every MQTT client's name is under $MQTT.
  const permissions = (filters: string[]): object => ({ allow: [...filters.map(subjectOf), '$MQTT.>'] });
  return { user, password, permissions: { publish: permissions(write), subscribe: permissions(read) } };
}

function subjectOf(filter: string): string {
  return filter.replaceAll('/', '.').replaceAll('+', '*').replace(/#$/, '>');
}
