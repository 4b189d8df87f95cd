import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../domain/clock.js';
import { SharedConnections } from './connections.js';
import { HttpSender } from './http-sender.js';
import { FIRST, httpServer, recordOf, settingsOf, tcpServer, gone } from './sending.fixture.js';

const DELIVERED = { kind: 'delivered' };

function senders(test: TestContext, urls: readonly string[]): HttpSender[] {
  const options = { source: 'urn:uuid:1', userAgent: 'holdfast/1', clock: systemClock };
  const connections = new SharedConnections();
  const made = urls.map(
    (url, i) => new HttpSender(settingsOf(url, { id: `app-${i}`, timeoutMs: 300 }), { ...options, connections }),
  );
  test.after(() => Promise.all(made.map((sender) => sender.close())));
  return made;
}

describe('connections of several subscribers', () => {
  it('one after the other they use one, each with its own path', async (t) => {
    const { origin, received } = await httpServer(t);
    const all = senders(t, [`${origin}/one`, `${origin}/two`, `${origin}/three`]);
    for (const sender of all) assert.deepEqual(await sender.send(recordOf(), FIRST), DELIVERED);
    assert.deepEqual(
      received.map(({ path }) => path),
      ['/one', '/two', '/three'],
    );
    assert.equal(new Set(received.map(({ socket }) => socket)).size, 1);
  });

  it('one that is never answered holds up no other, and ends alone', async (t) => {
    const { url, sockets } = await tcpServer(t, (socket) =>
      socket.on('data', (data) => {
        if (!data.includes('/slow')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      }),
    );
    const [slow, fast] = senders(t, [url.replace('/events', '/slow'), url]) as [HttpSender, HttpSender];
    const hanging = slow.send(recordOf(), FIRST);
    for (let i = 0; i < 5; i++) assert.deepEqual(await fast.send(recordOf(), FIRST), DELIVERED);
    const outcome = await hanging;
    assert.equal('reason' in outcome && outcome.reason, 'timeout');
    assert.deepEqual(await fast.send(recordOf(), FIRST), DELIVERED);
    assert.equal(sockets.length, 2, 'the one that hung was not used again');
  });

  it('outlast one subscriber, and end with the last', async (t) => {
    const { origin, received } = await httpServer(t);
    const [one, two] = senders(t, [`${origin}/one`, `${origin}/two`]) as [HttpSender, HttpSender];
    await one.send(recordOf(), FIRST);
    await one.close();
    assert.deepEqual(await two.send(recordOf(), FIRST), DELIVERED);
    const [first, second] = received as [(typeof received)[0], (typeof received)[0]];
    assert.equal(first.socket, second.socket);
    const ended = gone(second.socket);
    await two.close();
    await ended;
  });
});
