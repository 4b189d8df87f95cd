import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { knock } from './knock.js';

async function listen(t: TestContext, taken: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => taken(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return server;
}

function urlOf(server: Server): string {
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const NEVER = new AbortController().signal;

describe('knock', () => {
  it('a broker that goes on taking connections is there, and is told nothing', async (t) => {
    let bytes = 0;
    let taken = 0;
    const server = await listen(t, (socket) => {
      taken++;
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
    });
    assert.deepEqual(await knock(urlOf(server), NEVER), { kind: 'there' });
    assert.deepEqual([taken, bytes], [5, 0]);
  });

  it('one that refuses is gone, also when it does so only after a moment', async (t) => {
    let taken = 0;
    const server = await listen(t, () => {
      if (++taken === 2) server.close();
    });
    const met = await knock(urlOf(server), NEVER);
    assert.deepEqual(met, { kind: 'refused', cause: 'broker-unreachable', confidence: 'certain', orderly: false });
    assert.equal(taken, 2);
  });

  it('a load balancer with nobody behind it closes what it takes: nobody is there', async (t) => {
    for (const close of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const met = await knock(urlOf(await listen(t, close)), NEVER);
      assert.deepEqual(met, { kind: 'refused', cause: 'broker-unreachable', confidence: 'likely', orderly: false });
    }
  });

  it('one that lets go of what it takes and refuses then was going away', async (t) => {
    let taken = 0;
    const server = await listen(t, (socket) => {
      socket.resetAndDestroy();
      if (++taken === 1) server.close();
    });
    const met = await knock(urlOf(server), NEVER);
    assert.deepEqual(met, { kind: 'refused', cause: 'broker-unreachable', confidence: 'certain', orderly: false });
  });

  it('what was seen before it is told to end is not forgotten', async (t) => {
    const stop = new AbortController();
    const server = await listen(t, (socket) => {
      socket.resetAndDestroy();
      setTimeout(() => stop.abort(), 50);
    });
    const met = await knock(urlOf(server), stop.signal);
    assert.deepEqual(met, { kind: 'refused', cause: 'broker-unreachable', confidence: 'likely', orderly: false });
  });

  it('ends when told to, with nothing to say', async (t) => {
    const stop = new AbortController();
    const server = await listen(t, () => stop.abort());
    assert.equal(await knock(urlOf(server), stop.signal), undefined);
  });
});
