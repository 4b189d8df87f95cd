import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { systemClock } from '../domain/clock.js';
import type { Journal, LinkState } from '../domain/journal.js';
import type { LinkEvent } from '../domain/link.js';
import { Session, type SessionOptions } from './session.js';

/** A broker whose answers to CONNECT are scripted; it grants every subscription. */
class Broker {
  readonly subscribed: string[] = [];
  connects = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param answers one per CONNECT: session present or not, or to hang up before CONNACK; the last one repeats */
  constructor(private readonly answers: (boolean | 'hang up')[]) {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.hangUp();
  }

  /** Away for so long, and then on the same port again. */
  async restart(awayMs: number): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    this.close();
    await sleep(awayMs);
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    socket.on('data', (bytes) => parser.parse(bytes));
    socket.on('error', () => undefined);
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') {
        const answer = this.answers[Math.min(this.connects++, this.answers.length - 1)]!;
        if (answer === 'hang up') socket.destroy();
        else socket.write(mqttPacket.generate({ cmd: 'connack', returnCode: 0, sessionPresent: answer }));
      } else if (packet.cmd === 'subscribe') {
        this.subscribed.push(...packet.subscriptions.map(({ topic }) => topic));
        socket.write(mqttPacket.generate({ cmd: 'suback', messageId: packet.messageId!, granted: [1] }));
      }
    });
  }
}

const KNOWN: LinkState = { subscriptions: [{ filter: 'a', qos: 1 }], unreleased: [] };

function journal(openSession: () => Promise<LinkState>): Journal {
  const done = (): Promise<void> => Promise.resolve();
  const outbox = (): Promise<[]> => Promise.resolve([]);
  const linkHistory = () => Promise.resolve({ drops: [], heardAt: 0 });
  const kept = { resetSession: done, saveSubscription: done, saveLinkHistory: done, append: done, expireOutbox: done };
  return { openSession, outbox, linkHistory, ...kept } as unknown as Journal;
}

function session(
  url: string,
  kept: Journal,
  tls: SessionOptions['broker']['tls'] = {},
  { waitMs = 30, random = (): number => 1 } = {},
) {
  const events: LinkEvent[] = [];
  const options: SessionOptions = {
    clientId: 'gateway',
    broker: { urls: [url], protocol: '3.1.1', tls, wsHeaders: {} },
    session: {
      clientId: 'gateway',
      adopt: false,
      expiryMs: 60_000,
      keepaliveMs: 10_000,
      receiveMaximum: 100,
      maxPacketBytes: 1_000_000,
      reconnect: { initialMs: waitMs, maxMs: waitMs, refusedMs: 1_000, conflictMs: 1_000, bannedMs: 1_000 },
    },
    subscriptions: [{ name: 'a', filter: 'a', qos: 1, overlap: 'refuse' }],
  };
  const link = new Session(
    options,
    kept,
    (event) => void events.push(event),
    () => undefined,
    {
      clock: systemClock,
      random,
      threadDelayMs: () => 0,
    },
  );
  link.start();
  return { link, events };
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !what(); i++) await sleep(10);
  assert.ok(what(), what.toString());
}

describe('session', () => {
  it('a CONNACK that got lost may have told of a new session: everything is subscribed again', async () => {
    const broker = new Broker([true, 'hang up', true]);
    const { link } = session(
      await broker.listen(),
      journal(() => Promise.resolve(KNOWN)),
    );
    await until(() => link.status().state === 'up');
    await until(() => broker.subscribed.length === 1); // of the run before nothing is known
    broker.hangUp();
    await until(() => broker.connects === 3 && broker.subscribed.length === 2);
    broker.hangUp();
    await until(() => broker.connects === 4);
    await sleep(50);
    assert.equal(broker.subscribed.length, 2); // there was no doubt
    await link.stop(100);
    broker.close();
  });

  it('another client of the id may have taken our subscriptions away: they are asked for again', async () => {
    const broker = new Broker([true]);
    const { link } = session(
      await broker.listen(),
      journal(() => Promise.resolve(KNOWN)),
    );
    for (let life = 1; life <= 3; life++) {
      await until(() => broker.connects === life && broker.subscribed.length === 1);
      await sleep(20); // so that SUBACK is there, and nothing outstanding
      broker.hangUp();
    }
    await until(() => broker.connects === 4 && broker.subscribed.length === 2);
    assert.equal(link.status().drops[0]!.cause, 'client-id-conflict');
    await link.stop(100);
    broker.close();
  });

  it('restarts that are over before the next connect are restarts, however many: the port is asked meanwhile', async () => {
    const broker = new Broker([true]);
    const { link, events } = session(
      await broker.listen(),
      journal(() => Promise.resolve(KNOWN)),
      {},
      { waitMs: 400 },
    );
    for (let life = 1; life <= 4; life++) {
      await until(() => broker.connects === life && broker.subscribed.length === 1);
      await sleep(20 * life);
      await broker.restart(150);
    }
    await until(() => link.status().state === 'up');
    const dropped = events.filter((event) => event.kind === 'dropped').map(({ diagnosis }) => diagnosis);
    assert.deepEqual(
      dropped.map(({ cause, confidence }) => `${cause}, ${confidence}`),
      Array.from({ length: 4 }, () => 'broker-shutdown, likely'),
    );
    await link.stop(100);
    broker.close();
  });

  it('a journal that fails while the session is opened delays the link and does not end it', async () => {
    const broker = new Broker([false]);
    let asked = 0;
    const kept = journal(() => (++asked === 1 ? Promise.reject(new Error('no')) : Promise.resolve(KNOWN)));
    const { link } = session(await broker.listen(), kept);
    await until(() => link.status().state === 'up');
    await link.stop(100);
    broker.close();
  });

  it('a certificate that cannot be read is a refused connection, named, and tried again', async () => {
    const { link, events } = session(
      'mqtts://127.0.0.1:1',
      journal(() => Promise.resolve(KNOWN)),
      {
        cert: 'not a certificate',
        key: 'not a key',
      },
    );
    await until(() => events.filter(({ kind }) => kind === 'refused').length > 1);
    assert.equal(link.status().drops[0]?.cause, 'tls');
    await link.stop(100);
  });

  it('other credentials are tried soon when the ones before were refused, and drop no link that is up', async () => {
    const waits = [1, 0];
    const refused = session(
      'mqtts://127.0.0.1:1',
      journal(() => Promise.resolve(KNOWN)),
      { cert: 'none', key: 'none' },
      { waitMs: 3_600_000, random: () => waits.shift() ?? 1 },
    );
    await until(() => refused.events.length === 1);
    refused.link.renew({ tls: {}, wsHeaders: {} });
    await until(() => refused.events.length === 2);
    await refused.link.stop(100);
    const broker = new Broker([false]);
    const up = session(
      await broker.listen(),
      journal(() => Promise.resolve(KNOWN)),
    );
    await until(() => up.link.status().state === 'up');
    up.link.renew({ username: 'other', tls: {}, wsHeaders: {} });
    await sleep(50);
    assert.equal(up.link.status().state, 'up');
    await up.link.stop(100);
    broker.close();
  });

  it('a drop while it stops is the end: it does not connect again', async () => {
    const broker = new Broker([false]);
    const kept = journal(() => Promise.resolve(KNOWN));
    const pending = { ...kept, append: () => new Promise<void>(() => undefined) } as unknown as Journal;
    const { link } = session(await broker.listen(), pending);
    await until(() => link.status().state === 'up');
    link.intake.message({ cmd: 'publish', topic: 'a', payload: 'x', qos: 1, dup: false, retain: false, messageId: 1 });
    const stopped = link.stop(5_000);
    broker.hangUp();
    await stopped;
    await sleep(50);
    assert.equal(link.status().state, 'stopped');
    assert.equal(broker.connects, 1);
    broker.close();
  });
});
