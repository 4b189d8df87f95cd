import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import mqttPacket from 'mqtt-packet';
import { Authority, pemOf } from '../../test/support/certificates.js';
import { needs } from '../../test/support/needs.js';
import { until } from '../../test/support/until.js';
import { Connection, type CloseEvidence, type ConnectionOptions } from './connection.js';
import type { Cause } from '../domain/cause.js';
import { diagnose } from './diagnosis.js';
import { isOrderly } from './evidence.js';
import { transportOptions } from './transport.js';

const UPGRADE_KEY = /sec-websocket-key: (.+)\r\n/i;
/** For what never answers; everything else gets the time a busy machine needs. */
const SILENT: Partial<ConnectionOptions> = { connectTimeoutMs: 500 };
/** Without help `ws` would wait for half a minute. */
const SOON_MS = 15_000;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CONNACK = mqttPacket.generate({ cmd: 'connack', returnCode: 0, sessionPresent: false });

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return (server.address() as AddressInfo).port;
}

/** A server that answers an upgrade request as it is told. */
function upgrades(t: TestContext, answer: (socket: Socket, request: string) => void): Promise<number> {
  return listen(
    t,
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.once('data', (bytes) => answer(socket, bytes.toString()));
    }),
  );
}

/** Agrees to speak MQTT. */
function agree(socket: Socket, request: string, more = 'sec-websocket-protocol: mqtt\r\n'): void {
  const key = UPGRADE_KEY.exec(request)![1]!;
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  const head = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n';
  socket.write(`${head}sec-websocket-accept: ${accept}\r\n${more}\r\n`);
}

/** A small binary frame, or another one. */
function frame(payload: Buffer, opcode = 2): Buffer {
  return Buffer.concat([Buffer.of(0x80 | opcode, payload.length), payload]);
}

interface Run {
  connection: Connection;
  /** Rejects when it ends without having been up: nobody may wait for it for ever. */
  accepted: Promise<void>;
  closed: Promise<CloseEvidence>;
}

function open(t: TestContext, url: string, more: Partial<ConnectionOptions> = {}, message = () => true): Run {
  const accepted = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<CloseEvidence>();
  let ended = false;
  void closed.promise.then((found) => {
    ended = true;
    accepted.reject(new Error(`it was not up when it ended: ${JSON.stringify(found)}`));
  });
  accepted.promise.catch(() => undefined); // not every test waits for it
  const connection = new Connection(
    {
      url,
      protocolVersion: 4,
      clientId: 'gateway',
      keepaliveSeconds: 10,
      expirySeconds: 60,
      receiveMaximum: 10,
      maxPacketBytes: 1_000,
      tls: {},
      wsHeaders: {},
      connectTimeoutMs: 10_000,
      ...more,
    },
    {
      accepted: () => accepted.resolve(),
      ready: () => undefined,
      message,
      released: () => undefined,
      heard: () => undefined,
      closed: closed.resolve,
    },
  );
  connection.open();
  t.after(() => ended || connection.disconnect(100));
  return { connection, accepted: accepted.promise, closed: closed.promise };
}

/** Of a link that never came up. */
function causeOf(found: CloseEvidence): Cause {
  const rest = { sessionPresent: false, upMs: 0, threadDelayMs: 0, outstanding: [], history: [] };
  return diagnose({ ...found, protocolVersion: 5, keepaliveMs: 30_000, ...rest }).cause;
}

function evidence(t: TestContext, url: string, more: Partial<ConnectionOptions> = {}): Promise<CloseEvidence> {
  return open(t, url, more).closed;
}

describe('a WebSocket that does not come up says why', () => {
  it('a server that answers with a status: the status', async (t) => {
    for (const status of [401, 404, 301, 200]) {
      const server = createHttpServer((_, response) => response.writeHead(status).end('no'));
      const found = await evidence(t, `ws://127.0.0.1:${await listen(t, server)}/mqtt`);
      assert.deepEqual(found.errors, [`Unexpected server response: ${status}`]);
      assert.equal(found.webSocket?.stage, 'upgrading');
      assert.equal(causeOf(found), 'websocket-upgrade');
    }
  });

  it('a WebSocket server that does not speak MQTT: no subprotocol, or another one', async (t) => {
    const none = await upgrades(t, (socket, request) => agree(socket, request, ''));
    const other = await upgrades(t, (socket, request) => agree(socket, request, 'sec-websocket-protocol: stomp\r\n'));
    for (const [port, text] of [
      [none, 'Server sent no subprotocol'],
      [other, 'Server sent an invalid subprotocol'],
    ] as const) {
      const found = await evidence(t, `ws://127.0.0.1:${port}`);
      assert.deepEqual(found.errors, [text]);
      assert.equal(causeOf(found), 'websocket-upgrade');
    }
  });

  it('what is no HTTP server at all, or hangs up', async (t) => {
    const mqtt = await upgrades(t, (socket) => socket.end(CONNACK));
    const silent = await upgrades(t, (socket) => socket.destroy());
    for (const port of [mqtt, silent]) {
      const found = await evidence(t, `ws://127.0.0.1:${port}`);
      assert.notEqual(found.errors.length, 0);
      assert.notEqual(found.systemCode, undefined);
      assert.equal(causeOf(found), 'websocket-upgrade', found.errors.join());
    }
  });

  it('a server that never answers: given up in time, and told once', async (t) => {
    const found = await evidence(t, `ws://127.0.0.1:${await upgrades(t, () => undefined)}`, SILENT);
    assert.deepEqual(found.errors, ['connack timeout']);
    assert.equal(causeOf(found), 'websocket-upgrade');
  });

  it('nobody listens, no such host: as for any other address', async (t) => {
    const port = await listen(t, createServer());
    const unreachable = await evidence(t, `ws://127.0.0.1:${port === 1 ? 2 : 1}`);
    assert.equal(unreachable.systemCode, 'ECONNREFUSED');
    assert.deepEqual(unreachable.webSocket, { stage: 'connecting' });
    assert.equal(causeOf(unreachable), 'broker-unreachable');
    assert.equal(causeOf(await evidence(t, 'ws://nowhere.invalid')), 'dns');
  });

  it('TLS to a port that is plain', async (t) => {
    const port = await listen(t, createHttpServer());
    for (const protocol of ['wss', 'mqtts']) {
      const found = await evidence(t, `${protocol}://127.0.0.1:${port}`);
      assert.match(found.systemCode ?? '', /SSL|EPROTO/);
      assert.equal(causeOf(found), 'tls');
      assert.equal(found.errors.length, 1, 'told once');
    }
  });

  it('a certificate that is not trusted, or for another name', { skip: needs('openssl') }, async (t) => {
    const authority = new Authority();
    const { cert: ca } = pemOf({ ...authority.client('x'), certFile: authority.certFile });
    const port = await listen(t, createTlsServer(pemOf(authority.server(['DNS:broker']))));
    for (const protocol of ['wss', 'mqtts']) {
      const url = `${protocol}://127.0.0.1:${port}`;
      const untrusted = await open(t, url, { tls: { serverName: 'broker' } }).closed;
      assert.equal(untrusted.systemCode, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', untrusted.errors.join());
      assert.equal(untrusted.errors.length, 1, 'told once');
      const otherName = await open(t, url, { tls: { ca } }).closed;
      assert.equal(otherName.systemCode, 'ERR_TLS_CERT_ALTNAME_INVALID');
      for (const found of [untrusted, otherName]) assert.equal(causeOf(found), 'tls');
      const trusted = await evidence(t, url, { ...SILENT, tls: { ca, serverName: 'broker' } });
      assert.deepEqual(trusted.errors, ['connack timeout'], 'the name and the authority reach the handshake');
    }
  });
});

describe('a certificate that is none', () => {
  it('is told at once, whatever the address', async (t) => {
    for (const protocol of ['wss', 'mqtts']) {
      const { closed } = open(t, `${protocol}://127.0.0.1:1`, { tls: { cert: 'none', key: 'none' } });
      assert.equal(causeOf(await closed), 'tls');
    }
  });
});

describe('a WebSocket that is up', () => {
  it('closed by the broker: what its close frame says is known', async (t) => {
    const port = await upgrades(t, (socket, request) => {
      agree(socket, request);
      socket.write(frame(CONNACK));
      setTimeout(() => socket.write(frame(Buffer.concat([Buffer.of(0x03, 0xf0), Buffer.from('policy')]), 8)), 50);
    });
    const { accepted, closed } = open(t, `ws://127.0.0.1:${port}`);
    await accepted;
    const startedAt = performance.now();
    const found = await closed;
    assert.deepEqual(found.webSocket, { stage: 'open', closeCode: 1008, closeReason: 'policy' });
    assert.equal(found.wasUp, true);
    assert.ok(performance.now() - startedAt < SOON_MS, 'a broker that leaves its socket open is not waited for');
  });

  it('ended without a close frame, or broken: the TCP connection under it tells which', async (t) => {
    for (const [how, known] of [
      [(socket: Socket) => socket.end(), { finished: true }],
      [(socket: Socket) => socket.resetAndDestroy(), { systemCode: 'ECONNRESET' }],
    ] as const) {
      const port = await upgrades(t, (socket, request) => {
        agree(socket, request);
        socket.write(frame(CONNACK));
        setTimeout(() => how(socket), 50);
      });
      const found = await open(t, `ws://127.0.0.1:${port}`).closed;
      assert.deepEqual(found.webSocket, { stage: 'open', ...known });
      assert.deepEqual(
        [found.systemCode, isOrderly(found)],
        'finished' in known ? [undefined, true] : ['ECONNRESET', false],
      );
    }
  });

  it('frames that are nonsense end it soon, with the reason', async (t) => {
    const port = await upgrades(t, (socket, request) => {
      agree(socket, request);
      socket.write(Buffer.concat([frame(CONNACK), Buffer.of(0xff, 0xff, 0xff)]));
    });
    const startedAt = performance.now();
    const found = await open(t, `ws://127.0.0.1:${port}`).closed;
    assert.match(found.errors.join(), /Invalid WebSocket frame/);
    assert.ok(performance.now() - startedAt < SOON_MS);
  });

  it('a held reader takes no more, still pings, and misses nothing when it reads on', async (t) => {
    const payload = 'x'.repeat(100);
    const publish = mqttPacket.generate({ cmd: 'publish', topic: 'a', payload, qos: 0, dup: false, retain: false });
    const count = 40_000;
    let server: Socket | undefined;
    let heardBytes = 0;
    const port = await upgrades(t, (socket, request) => {
      server = socket.on('data', (bytes: Buffer) => (heardBytes += bytes.length));
      agree(socket, request);
      socket.write(frame(CONNACK));
      socket.write(Buffer.concat(Array.from({ length: count }, () => frame(publish))));
    });
    let received = 0;
    let hold = true;
    const { connection, accepted } = open(t, `ws://127.0.0.1:${port}`, {}, () => {
      received++;
      return !hold;
    });
    await accepted;
    await until(() => connection.held, { what: 'the first message' });
    await sleep(100);
    assert.equal(received, 1);
    assert.ok(server!.writableLength > 1_000_000, 'what is not read waits at the broker');
    const before = heardBytes;
    connection.ping();
    await until(() => heardBytes > before, { what: 'the ping to go out' });
    hold = false;
    connection.resume();
    await until(() => received === count, { timeoutMs: 60_000, what: () => `${count} messages, not ${received}` });
  });

  it('given up, although nothing is heard any more: closed at once', async (t) => {
    const port = await upgrades(t, (socket, request) => {
      agree(socket, request);
      socket.write(frame(CONNACK));
    });
    const { connection, accepted, closed } = open(t, `ws://127.0.0.1:${port}`);
    await accepted;
    connection.giveUp();
    assert.equal((await closed).ended, 'keepalive');
  });

  it('stopped while it connects: no error escapes', async (t) => {
    const { connection, closed } = open(t, `ws://127.0.0.1:${await upgrades(t, () => undefined)}`);
    await sleep(50);
    void connection.disconnect(100);
    assert.equal((await closed).ended, 'stop');
  });
});

describe('transport options', () => {
  const target = { tls: { ca: 'a', cert: 'b', key: 'c', serverName: 'd' }, wsHeaders: {}, maxPacketBytes: 2 ** 28 };

  it('a certificate is for addresses with TLS: a fail-over to a plain one stays plain', () => {
    const of = (url: string): object => transportOptions({ ...target, url }, { stage: 'connecting' });
    for (const plain of [of('mqtt://a'), (of('ws://a') as { wsOptions: object }).wsOptions, of('wss://a')]) {
      assert.deepEqual(
        ['ca', 'cert', 'key', 'servername'].filter((key) => key in plain),
        [],
      );
    }
    const secure = [of('mqtts://a'), (of('wss://a') as { wsOptions: object }).wsOptions];
    for (const options of secure) {
      const { ca, cert, key, servername, rejectUnauthorized } = options as { [name: string]: unknown };
      assert.deepEqual([ca, cert, key, servername, rejectUnauthorized], ['a', 'b', 'c', 'd', true]);
    }
  });

  it('a frame may be as large as a packet may, and no address can change the client id', () => {
    const options = transportOptions({ ...target, url: 'ws://a/?clientId=other' }, { stage: 'connecting' });
    assert.ok((options.wsOptions as { maxPayload: number }).maxPayload >= target.maxPacketBytes);
    assert.deepEqual(options.query, {});
  });
});
