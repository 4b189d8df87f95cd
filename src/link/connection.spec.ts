import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startScriptedBroker } from '../../test/support/scripted-broker.js';
import { Connection, type CloseEvidence } from './connection.js';

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
});
