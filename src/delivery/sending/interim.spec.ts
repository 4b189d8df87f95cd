import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InterimAnswers } from './interim.js';
import { answering, FIRST, recordOf, senderTo, tcpServer } from './sending.fixture.js';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=HTTP/1.1 100\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 25\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n';

/** What is parsed when it comes in these pieces. */
function parsed(...pieces: string[]): string {
  const interim = new InterimAnswers();
  interim.begin();
  const bytes = pieces.map((piece) => Buffer.from(piece));
  for (const piece of bytes) interim.pass(piece);
  return Buffer.concat(bytes).toString();
}

describe('interim answers', () => {
  it('a 100 is passed on as a 103, in whatever pieces it comes; bodies, headers and final answers as they are', () => {
    const whole = `${CONTINUE}${HINTS}${CONTINUE}\r\n${OK}`;
    const wanted = `${CONTINUE.replace('100', '103')}${HINTS}${CONTINUE.replace('100', '103')}\r\n${OK}`;
    assert.equal(parsed(whole), wanted);
    assert.equal(parsed(...whole), wanted);
    for (let at = 1; at < whole.length; at++) assert.equal(parsed(whole.slice(0, at), whole.slice(at)), wanted);
    for (const other of [OK, 'HTTP/1.1 101 Up\r\n\r\n', 'HTTP/1.1 110 No\r\n\r\n', '100 100 100 100']) {
      assert.equal(parsed(other), other);
    }
  });

  it('before a final answer are passed over, on each request of a connection', async (t) => {
    const { url, sockets } = await tcpServer(t, (socket) =>
      socket.on('data', () => socket.write(`${CONTINUE}${HINTS}${CONTINUE}HTTP/1.1 204 No\r\n\r\n`)),
    );
    const sender = senderTo(t, url, { concurrency: 1 });
    for (const attempt of [1, 2, 3]) {
      assert.deepEqual(await sender.send(recordOf(), { attempt, replay: false }), { kind: 'delivered' });
    }
    assert.equal(sockets.length, 1);
  });

  it('are passed over so often, and no more', async (t) => {
    const { url } = await answering(t, CONTINUE.repeat(33) + OK);
    const outcome = await senderTo(t, url).send(recordOf(), FIRST);
    assert.deepEqual(
      [outcome.kind, 'reason' in outcome && outcome.reason, 'detail' in outcome && outcome.detail],
      ['retry', 'network', 'more than 32 interim answers'],
    );
    const { url: fits } = await answering(t, CONTINUE.repeat(32) + OK);
    assert.deepEqual(await senderTo(t, fits).send(recordOf(), FIRST), { kind: 'delivered' });
  });
});
