/** A broker, a webhook and a configuration from outside, around the gateway in its image. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { startContainer, type Container, type Mount } from '../support/container.js';
import type { GatewayConfig, Ports } from '../support/gateway-config.js';
import { imageRoot, type Image } from '../support/image.js';
import { startMosquitto, type Mosquitto } from '../support/mosquitto.js';
import { freePorts } from '../support/ports.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

export interface Ground extends Ports {
  image: Image;
  broker: Mosquitto;
  receiver: Receiver;
  /** Mounted at /etc/holdfast. */
  configuration: string;
  /** Mounted at /data, the image's user's own. */
  data: string;
  mounts: Mount[];
  env: { [name: string]: string };
}

const PROTO = 'syntax = "proto3"; package acme; message Reading { double celsius = 1; }';
const CLASS = `
import { IsInt } from 'class-validator';
export class Count {}
IsInt()(Count.prototype, 'count');
`;

/** One subscriber, and a contract of each kind. `config` adds sections. */
export async function ground(t: TestContext, config: GatewayConfig = {}): Promise<Ground> {
  const image = await imageRoot();
  const broker = await startMosquitto();
  t.after(() => broker.stop('SIGKILL'));
  const receiver = await startReceiver();
  t.after(() => receiver.stop());
  const [httpPort, opsPort] = (await freePorts(2)) as [number, number];
  const configuration = scratchDirectory('etc');
  chmodSync(configuration, 0o755);
  const data = scratchDirectory('data');
  chownSync(data, image.user, image.group);
  const file = {
    broker: { url: broker.url },
    session: { clientId: '${POD_NAME}' },
    subscriptions: ['json', 'proto', 'class'].map((name) => ({ name, filter: `in/${name}`, qos: 1, contract: name })),
    contracts: {
      json: { schema: 'contracts/json.schema.json' },
      proto: { format: 'protobuf', protobuf: { file: 'contracts/reading.proto', message: 'acme.Reading' } },
      class: { class: 'contracts/count.js#Count' },
    },
    subscribers: [{ id: 'app', url: receiver.url, topics: ['in/#'] }],
    publish: { allow: ['out/#'] },
    journal: { directory: '/data' },
    http: { host: '127.0.0.1', port: httpPort },
    ops: { port: '${OPS_PORT}' },
    ...config,
  };
  writeFileSync(join(configuration, 'gateway.yaml'), stringify(file));
  mkdirSync(join(configuration, 'contracts'));
  const contract = (name: string, text: string): void => writeFileSync(join(configuration, 'contracts', name), text);
  contract('json.schema.json', JSON.stringify({ type: 'object', required: ['gwId'] }));
  contract('reading.proto', PROTO);
  contract('count.js', CLASS);
  const mounts = [
    { from: configuration, to: '/etc/holdfast' },
    { from: data, to: '/data', writable: true },
  ];
  const env = { POD_NAME: 'holdfast-0', OPS_PORT: String(opsPort) };
  return { image, broker, receiver, configuration, data, mounts, env, httpPort, opsPort };
}

/** Started; ends with the test. */
export function start(
  t: TestContext,
  { image, mounts, env }: Ground,
  more: { [name: string]: string } = {},
): Container {
  const container = startContainer(image, { mounts, env: { ...env, ...more } });
  t.after(() => container.kill());
  return container;
}

export async function ready(container: Container, { opsPort }: Ground): Promise<void> {
  const asked = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${opsPort}/readyz?verbose`)).ok;
  const linked = async (): Promise<boolean> =>
    (await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()).includes('\nholdfast_link_up 1\n');
  const reached = async (): Promise<boolean> => container.exited !== undefined || ((await asked()) && (await linked()));
  await until(reached, { timeoutMs: 30_000, what: () => `the gateway to be ready\n${container.tail}` });
  if (container.exited) throw new Error(`it ended: ${JSON.stringify(container.exited)}\n${container.tail}`);
}
