/** Clients that ask before they send a body (`Expect: 100-continue`), byte by byte, with a real gateway. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';
import { RawConnection } from './raw.js';

const [PUBLISHER, READER] = ['a-token-that-may-publish', 'a-token-that-may-read-it'];
const BODY = '{"topic":"commands/a","payload":1}';
const PUBLISH = 'POST /v1/publish HTTP/1.1';
const RAW = 'POST /v1/publish/raw?topic=commands/a HTTP/1.1';
const [HOST, JSON_TYPE, EXPECT] = ['Host: localhost', 'Content-Type: application/json', 'Expect: 100-continue'];
const MAY = `Authorization: Bearer ${PUBLISHER}`;

let gateway: GatewayProcess;

before(async () => {
  const tokens = [
    { name: 'publisher', token: PUBLISHER, scopes: ['publish'] },
    { name: 'reader', token: READER, scopes: ['read'] },
  ];
  const config = { broker: { url: `mqtt://127.0.0.1:${await freePort()}` }, publish: { allow: ['commands/#'] } };
  gateway = await startGateway(await gatewayConfig({ ...config, http: { auth: { tokens } } }));
});
after(() => gateway.kill());

/** A client that has sent the head of a request, and nothing of its body. */
function asking(t: TestContext, bytes: number, ...lines: string[]): RawConnection {
  const connection = new RawConnection(gateway.ports.httpPort);
  t.after(() => connection.close());
  return connection.write(`${[...lines, `Content-Length: ${bytes}`, EXPECT].join('\r\n')}\r\n\r\n`);
}

describe('a client that waits for 100 Continue', () => {
  it('is refused without it, and the connection is closed: the body may come or not', async (t) => {
    const wrong = 'Authorization: Bearer a-token-of-nobody';
    const table: [answer: string, bytes: number, lines: string[]][] = [
      ['401 UNAUTHORIZED', 10, [PUBLISH, HOST, JSON_TYPE]],
      ['401 UNAUTHORIZED', 10, [PUBLISH, HOST, JSON_TYPE, wrong]],
      ['401 UNAUTHORIZED', 2 ** 40, [RAW, HOST, wrong]],
      ['403 FORBIDDEN', 10, [PUBLISH, HOST, JSON_TYPE, `Authorization: Bearer ${READER}`]],
      ['413 PAYLOAD_TOO_LARGE', 2 ** 30, [PUBLISH, HOST, JSON_TYPE, MAY]],
      ['413 PAYLOAD_TOO_LARGE', 2 ** 30, [RAW, HOST, MAY]],
      ['404 NOT_FOUND', 10, ['POST /v1/nowhere HTTP/1.1', HOST, JSON_TYPE, MAY]],
      ['405 METHOD_NOT_ALLOWED', 10, ['PUT /v1/publish HTTP/1.1', HOST, JSON_TYPE, MAY]],
      ['400 REQUEST_INVALID', 10, [PUBLISH, HOST, HOST, JSON_TYPE, MAY]],
    ];
    for (const [answer, bytes, lines] of table) {
      const connection = asking(t, bytes, ...lines);
      assert.equal(await connection.verdict(), answer, lines.join(', '));
      await connection.ended(10_000);
      assert.equal(connection.answers.length, 1, connection.received);
      assert.equal(connection.answers[0]!.headers.get('connection'), 'close');
    }
  });

  it('is let in with one, and answered once its body has come; the connection stays', async (t) => {
    const connection = asking(t, BODY.length, PUBLISH, HOST, JSON_TYPE, MAY, 'Prefer: respond-async');
    for (const count of [1, 2]) {
      const told = (): number[] => connection.answers.map(({ status }) => status);
      await until(() => told().length === 2 * count - 1, { what: () => `100 Continue: ${connection.received}` });
      connection.write(BODY);
      await until(() => told().length === 2 * count, { what: () => `the answer: ${connection.received}` });
      assert.deepEqual(told(), [100, 202, 100, 202].slice(0, 2 * count));
      const head = [PUBLISH, HOST, JSON_TYPE, MAY, 'Prefer: respond-async', `Content-Length: ${BODY.length}`, EXPECT];
      if (count === 1) connection.write(`${head.join('\r\n')}\r\n\r\n`);
    }
  });

  it('is answered when it does not wait after all', async (t) => {
    const connection = asking(t, BODY.length, PUBLISH, HOST, JSON_TYPE, MAY, 'Prefer: respond-async').write(BODY);
    await until(() => connection.received.includes('"queued"'), { what: () => connection.received });
    assert.equal(connection.answers.at(-1)!.status, 202);
  });
});
