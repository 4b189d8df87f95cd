import assert from 'node:assert/strict';
import dns from 'node:dns';
import { describe, it } from 'node:test';
import { startScriptedBroker } from '../../test/support/scripted-broker.js';
import { Connection, type CloseEvidence } from './connection.js';
import { knock } from './knock.js';

const OPTIONS = { protocolVersion: 5, clientId: 'a', keepaliveSeconds: 30, expirySeconds: 60, tls: {} } as const;
const MORE = { receiveMaximum: 10, maxPacketBytes: 1_000, connectTimeoutMs: 5_000, wsHeaders: {} };
/** More than the system takes from a sender whose other end does not read. */
const LARGE_BYTES = 16 * 2 ** 20;
const LATE_MS = 50;

describe('connection', () => {
  it('an orderly close is one, also when something is written after it', async (t) => {
    const broker = await startScriptedBroker();
    t.after(() => broker.stop());
    const evidence = await new Promise<CloseEvidence>((resolve) => {
      const ready = (): void => {
        broker.client.socket.pause();
        connection.publish({ topic: 'a', payload: Buffer.alloc(LARGE_BYTES), qos: 0, retain: false }, () => undefined);
        broker.client.end();
        setTimeout(() => connection.acknowledge([{ qos: 1, packetId: 1 }]), LATE_MS);
      };
      const handlers = { accepted: () => undefined, ready, released: () => undefined, heard: () => undefined };
      const connection = new Connection(
        { ...OPTIONS, ...MORE, url: broker.url },
        { ...handlers, message: () => true, closed: resolve },
      );
      connection.open();
    });
    assert.deepEqual([evidence.errors, evidence.systemCode, evidence.wasUp], [[], undefined, true]);
  });

  it('a host with several addresses: what each of them said is known', async (t) => {
    const found = [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ];
    t.mock.method(dns, 'lookup', (_: string, __: object, done: (error: null, all: typeof found) => void) =>
      done(null, found),
    );
    for (const scheme of ['mqtt', 'ws']) {
      const url = `${scheme}://broker.example:1`;
      const { errors, systemCode } = await new Promise<CloseEvidence>((resolve) => {
        const handlers = { accepted: () => undefined, ready: () => undefined, released: () => undefined };
        const more = { heard: () => undefined, message: () => true, closed: resolve };
        new Connection({ ...OPTIONS, ...MORE, url }, { ...handlers, ...more }).open();
      });
      const refusals = found.map(({ address }) => `connect ECONNREFUSED ${address}:1`);
      assert.deepEqual([errors, systemCode], [refusals, 'ECONNREFUSED']);
    }
    const met = await knock('mqtt://broker.example:1', new AbortController().signal);
    assert.deepEqual(met, { kind: 'refused', cause: 'broker-unreachable', confidence: 'certain', orderly: false });
  });
});
