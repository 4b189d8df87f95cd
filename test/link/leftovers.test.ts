/** What a connection leaves behind when it has ended, in whatever way: nothing. Counted after a collection of garbage. */
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { MqttClient } from 'mqtt';
import { Connection } from '../../src/link/connection.js';
import { Keepalive } from '../../src/link/keepalive.js';
import { between, pick, seededRandom, type Random } from '../support/seed.js';
import {
  accept,
  goodAnswer,
  startScriptedBroker,
  type ScriptedBroker,
  type ScriptedClient,
} from '../support/scripted-broker.js';
import { until } from '../support/until.js';
import { startLink } from './link-in-process.js';

const CYCLES = 400;
/** The rest is for warming up. */
const COUNTED = 300;

type Ending = (client: ScriptedClient) => void;

const ENDINGS: { [name: string]: Ending } = {
  reset: (client) => client.reset(),
  close: (client) => client.end(),
  DISCONNECT: (client) => client.send({ cmd: 'disconnect', reasonCode: 0x8b }),
  nonsense: (client) => client.bytes(Buffer.from([0x00, 0x00])),
  'half a packet': (client) => {
    client.bytes(Buffer.from([0x30, 0x7f, 0x00]));
    client.reset();
  },
};

interface Left {
  connections: number;
  clients: number;
  keepalives: number;
  sockets: number;
  resources: { [kind: string]: number };
  /** Of the process and of every open handle. */
  listeners: number;
}

describe('leftovers', () => {
  it(`${CYCLES} connections that ended in every way: one connection, its listeners and timers are what there is`, async (t) => {
    const random = seededRandom();
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    const link = startLink(broker.url);
    t.after(() => link.stop());
    let before: Left | undefined;
    const settled = (unanswered: boolean) => (): boolean => {
      const { state, subscribed } = link.session.status();
      return (
        state === 'up' && broker.client.sent('subscribe').length === 1 && subscribed.length === (unanswered ? 0 : 1)
      );
    };
    await until(settled(false), { what: 'the link' });
    for (let number = 1; number <= CYCLES; number++) {
      // Twice in a row, and the link would no longer ask for what is hung up on.
      const unanswered = number % 3 === 1;
      broker.answers.subscribe = (packet, client) => unanswered || goodAnswer(packet, client);
      const ended = broker.client;
      end(broker, random);
      await until(() => broker.client !== ended && settled(unanswered)(), { everyMs: 1, what: `connection ${number}` });
      for (const old of broker.clients.splice(0, broker.clients.length - 1)) old.socket.destroy();
      if (number === CYCLES - COUNTED) before = await left();
    }
    const after = await left();
    t.diagnostic(JSON.stringify(after));
    // One or the other may just be on its way out, on either side.
    assert.ok(after.sockets <= before!.sockets + 2, `${before!.sockets} sockets became ${after.sockets}`);
    assert.deepEqual({ ...after, sockets: 0 }, { ...before!, sockets: 0 });
    assert.deepEqual([after.connections, after.clients], [1, 1]);
    assert.equal(link.events.filter(({ kind }) => kind === 'up').length, CYCLES + 1);
  });
});

/** Ends the connection there is, and perhaps the next ones before they are up. */
function end(broker: ScriptedBroker, random: Random): void {
  const refusals = between(random, 0, 2);
  let refused = 0;
  broker.answers.connect = (_, client) =>
    refused++ < refusals ? pick(random, Object.values(ENDINGS))(client) : accept(client);
  pick(random, Object.values(ENDINGS))(broker.client);
}

async function left(): Promise<Left> {
  for (let i = 0; i < 10; i++) await turn();
  const resources: Left['resources'] = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  const node = process as unknown as { _getActiveHandles(): NodeJS.EventEmitter[] };
  const emitters = [process, ...node._getActiveHandles().filter((one) => typeof one.eventNames === 'function')];
  return {
    connections: queryObjects(Connection, { format: 'count' }),
    clients: queryObjects(MqttClient, { format: 'count' }),
    keepalives: queryObjects(Keepalive, { format: 'count' }),
    sockets: queryObjects(Socket, { format: 'count' }),
    resources,
    listeners: emitters.reduce((sum, one) => sum + listenersOf(one), 0),
  };
}

function listenersOf(emitter: NodeJS.EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}
