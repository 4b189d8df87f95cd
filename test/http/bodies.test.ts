/** Bodies that come slowly, or are large, with a real gateway that has little room for them. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';
import { RawConnection } from './raw.js';

const LINES = ['POST /v1/publish HTTP/1.1', 'Host: localhost', 'Content-Type: application/json'];
const BODY = '{"topic":"commands/a","payload":1}';

let gateway: GatewayProcess;

before(async () => {
  const broker = { url: `mqtt://127.0.0.1:${await freePort()}` };
  const publish = { allow: ['commands/#'], maxPayload: '768KiB' };
  gateway = await startGateway(await gatewayConfig({ broker, publish, http: { limits: { inHand: '1MiB' } } }));
});
after(() => gateway.kill());

function refused(): Promise<number> {
  return gateway.metric('holdfast_http_refused_total', { reason: 'bodies' });
}

function sent(t: TestContext, head: string, body = ''): RawConnection {
  const connection = new RawConnection(gateway.ports.httpPort);
  t.after(() => connection.close());
  return connection.write(`${[...LINES, head].join('\r\n')}\r\n\r\n${body}`);
}

/** A publish with so many bytes. */
function publish(t: TestContext, bytes: number): RawConnection {
  return sent(t, `Content-Length: ${bytes}`, BODY.padEnd(bytes));
}

describe('bodies in hand', () => {
  it('take no more room than there is: others are told to come again, and are let in when it is free', async (t) => {
    const counted = await refused();
    const slow = sent(t, 'Content-Length: 1000000', ' '.repeat(1_000));
    const wide = (): Promise<string> => publish(t, 200_000).verdict();
    await until(async () => (await wide()) === '503 BODIES_FULL', { what: 'the room to be taken' });
    const one = publish(t, 200_000);
    assert.equal(await one.verdict(), '503 BODIES_FULL');
    assert.equal(one.answers[0]!.headers.get('retry-after'), '5');
    const chunked = 'Transfer-Encoding: chunked';
    assert.equal(await sent(t, chunked).verdict(), '503 BODIES_FULL', 'nobody knows how long it will be');
    assert.equal(await sent(t, `Content-Length: ${2 ** 30}`).verdict(), '413 PAYLOAD_TOO_LARGE');
    assert.equal(await publish(t, BODY.length).verdict(), '202', 'a small one finds room');
    assert.ok((await refused()) - counted >= 3);
    slow.close();
    await until(async () => (await wide()) === '202', { what: 'the room to be free again' });
  });

  it('that were answered, or were never to be read, take none', async (t) => {
    const counted = await refused();
    for (let i = 0; i < 10; i++) {
      assert.equal(await publish(t, 1_000_000).verdict(), '202');
      assert.equal(await sent(t, `Content-Length: ${2 ** 30}`).verdict(), '413 PAYLOAD_TOO_LARGE');
      const size = BODY.length.toString(16);
      const chunks = sent(t, 'Transfer-Encoding: chunked', `${size}\r\n${BODY}\r\n0\r\n\r\n`);
      assert.equal(await chunks.verdict(), '202');
    }
    assert.equal(await refused(), counted);
  });
});
