/** Broker, publisher and proxy of the harness, against one another. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect, connectAsync } from 'mqtt';
import { startMosquitto } from './mosquitto.js';
import { needs } from './needs.js';
import { numberOf, publishNumbered } from './publisher.js';
import { resetSocket } from './reset-socket.js';
import { startProxy, type TcpProxy } from './tcp-proxy.js';
import { until } from './until.js';

describe('mosquitto and publisher', { skip: needs('mosquitto') }, () => {
  it('a broker that dies meanwhile: every message is acknowledged in the end, and doubtful ones are named', async (t) => {
    const broker = await startMosquitto({ persistence: true });
    t.after(() => broker.stop('SIGKILL'));
    const publisher = publishNumbered({ url: broker.url, topics: ['a', 'b'], count: 1_000, perSecond: 2_000 });
    await until(() => publisher.report.acknowledged.length > 100, { what: 'the first messages' });
    await broker.restart('SIGKILL');
    const { acknowledged, reconnects } = await publisher.done;
    assert.equal(new Set(acknowledged).size, 1_000);
    assert.ok(reconnects >= 1);
  });

  it('a stopped broker refuses connections, and is back on its port with its sessions', async (t) => {
    const broker = await startMosquitto({ persistence: true });
    t.after(() => broker.stop('SIGKILL'));
    const session = { clientId: 'kept', clean: false, protocolVersion: 4, reconnectPeriod: 0 } as const;
    const client = await connectAsync(broker.url, session);
    await client.subscribeAsync('numbers/#', { qos: 1 });
    await client.endAsync(true);
    await publishNumbered({ url: broker.url, topics: ['numbers/1'], count: 3, from: 5 }).done;
    await broker.stop();
    await assert.rejects(connectAsync(broker.url, session, false));
    await broker.start();
    const numbers: number[] = [];
    const again = connect(broker.url, session);
    again.on('message', (_topic, payload) => numbers.push(numberOf(payload)));
    t.after(() => again.endAsync(true));
    await until(() => numbers.length === 3, { what: () => `three messages, not ${numbers.length}` });
    assert.deepEqual(numbers, [5, 6, 7]);
  });

  it('a publisher that cannot finish says how far it got', async () => {
    const publisher = publishNumbered({ url: 'mqtt://127.0.0.1:1', topics: ['a'], count: 1, timeoutMs: 100 });
    await assert.rejects(publisher.done, /published 0 of 1 in 100 ms/);
  });
});

describe('tcp proxy', () => {
  interface Wire {
    proxy: TcpProxy;
    client: Socket;
    /** Chunks as they came out at the far end. */
    chunks: Buffer[];
    far: () => Socket;
  }

  async function wire(t: TestContext): Promise<Wire> {
    const chunks: Buffer[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = await startProxy((server.address() as AddressInfo).port);
    const client = connectTcp(proxy.port, '127.0.0.1');
    client.on('error', () => undefined);
    client.setNoDelay(true);
    await once(client, 'connect');
    await until(() => sockets.length === 1, { what: 'the far end' });
    t.after(async () => {
      client.destroy();
      await proxy.stop();
      server.close();
    });
    return { proxy, client, chunks, far: () => sockets[0]! };
  }
  const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString();

  it('a blackhole forwards nothing and closes nothing, until it is restored', async (t) => {
    const { proxy, client, chunks } = await wire(t);
    proxy.blackhole();
    client.write('held');
    await assert.rejects(until(() => chunks.length > 0, { timeoutMs: 200, what: 'bytes' }));
    assert.equal(proxy.open, 1);
    proxy.restore();
    await until(() => text(chunks) === 'held', { what: 'the held bytes' });
  });

  it('a reset is one at both ends, and is counted out', async (t) => {
    const { proxy, client, far } = await wire(t);
    const closed = Promise.all([closing(client), closing(far())]);
    proxy.reset();
    await closed;
    await until(() => proxy.open === 0, { what: 'the pair to be forgotten' });
    assert.equal(proxy.accepted, 1);
  });

  it('a reset while an end is on its way leaves nothing open', async (t) => {
    const { proxy, far } = await wire(t);
    const end = far();
    const closed = closing(end);
    end.end();
    resetSocket(end);
    await closed;
    await until(() => proxy.open === 0, { what: 'the pair to be forgotten' });
  });

  it('refusing resets new connections', async (t) => {
    const { proxy } = await wire(t);
    proxy.refuse = true;
    const second = connectTcp(proxy.port, '127.0.0.1');
    second.on('error', () => undefined);
    await closing(second);
    assert.equal(proxy.accepted, 2);
    assert.equal(proxy.open, 1);
  });

  it('slices arrive whole and in order', async (t) => {
    const { proxy, client, chunks } = await wire(t);
    proxy.sliceBytes = 1;
    const sent = Array.from({ length: 500 }, (_, i) => i % 10).join('');
    client.write(sent);
    await until(() => text(chunks).length === sent.length, { what: 'every byte' });
    assert.equal(text(chunks), sent);
    assert.ok(chunks.length > 1, 'it came in one piece');
  });

  it('latency delays and keeps the order', async (t) => {
    const { proxy, client, chunks } = await wire(t);
    proxy.latencyMs = 150;
    const startedAt = performance.now();
    client.write('a');
    await until(() => proxy.open === 1, { what: 'the pair' });
    client.write('b');
    await until(() => text(chunks) === 'ab', { everyMs: 5, what: 'both' });
    assert.ok(performance.now() - startedAt >= 140);
  });

  it('an orderly end passes through', async (t) => {
    const { client, chunks, far } = await wire(t);
    const ended = once(far(), 'end');
    client.end('bye');
    await ended;
    assert.equal(text(chunks), 'bye');
  });
});

/** Unlike `once`, it does not reject when an error comes first. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
