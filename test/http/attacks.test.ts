/** What a hostile client can write to the REST port, with a real gateway. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it, type TestContext } from 'node:test';
import { REFUSALS } from '../../src/domain/refusal.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';
import { RawConnection } from './raw.js';

const TOKEN = 'a-token-that-may-do-everything';
const BEARER = `Authorization: Bearer ${TOKEN}`;
const SCOPES = ['publish', 'read', 'admin'];
const SECOND = 1_000;

let gateway: GatewayProcess;
let open: GatewayProcess;

async function start(http: object): Promise<GatewayProcess> {
  const limits = { headersTimeout: '2s', requestTimeout: '4s', keepAlive: '1s', connections: 50 };
  const config = { broker: { url: `mqtt://127.0.0.1:${await freePort()}` }, publish: { allow: ['commands/#'] } };
  return startGateway(await gatewayConfig({ ...config, http: { limits, ...http } }));
}

before(async () => {
  gateway = await start({ auth: { tokens: [{ name: 'all', token: TOKEN, scopes: SCOPES }] } });
  open = await start({});
});
after(() => Promise.all([gateway.kill(), open.kill()]));

function connected(t: TestContext, to = gateway): RawConnection {
  const connection = new RawConnection(to.ports.httpPort);
  t.after(() => connection.close());
  return connection;
}

/** What a request, written as it is, is answered. */
function asked(t: TestContext, request: string, to = gateway): Promise<string> {
  return connected(t, to).write(request).verdict();
}

function head(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

const HOST = 'Host: localhost';

describe('spellings of a call', () => {
  it('none of them gets around the token', async (t) => {
    const link = 'GET /v1/link HTTP/1.1';
    const table: [answer: string, request: string][] = [
      ['401 UNAUTHORIZED', head(link, HOST)],
      ['401 UNAUTHORIZED', head(link, HOST, 'Authorization: Bearer wrong', BEARER)], // the first of two counts
      ['401 UNAUTHORIZED', head(link, HOST, `X-${BEARER}`, `Cookie: token=${TOKEN}`)],
      ['401 UNAUTHORIZED', head(link, HOST, `Proxy-${BEARER}`)],
      ['401 UNAUTHORIZED', head(link, HOST, 'X-HTTP-Method-Override: HEAD', 'X-Original-URL: /nowhere')],
      ['401 UNAUTHORIZED', head('GET /v1/%6c%69nk HTTP/1.1', HOST)],
      ['401 UNAUTHORIZED', head('GET /v1/link?/../nowhere HTTP/1.1', HOST)],
      ['401 UNAUTHORIZED', head('GET /v1/link#/nowhere HTTP/1.1', HOST)],
      ['401 UNAUTHORIZED', head(link, HOST, 'Connection: Upgrade', 'Upgrade: websocket')],
      [
        '401 UNAUTHORIZED',
        head(link, HOST, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
      ],
      ['401 UNAUTHORIZED', head('GET /v1/link HTTP/1.0', HOST)],
      ['401 UNAUTHORIZED', head('POST /v1/reload HTTP/1.1', HOST, 'Expect: the-unexpected')],
      ['400 REQUEST_INVALID', head('GET /v1/link HTTP/1.0')],
      ['400 REQUEST_INVALID', head('GET /v1/link HTTP/1.0', BEARER)],
      ['400 REQUEST_INVALID', head(link, BEARER)],
      ['400 REQUEST_INVALID', head(link, HOST, HOST, BEARER)],
      ['400 REQUEST_INVALID', head(link, HOST, 'host : localhost', BEARER)],
      ['400 REQUEST_INVALID', head('GET http://localhost/v1/link HTTP/1.1', HOST, BEARER)],
      ['401 UNAUTHORIZED', head('GET /v1/link', HOST)],
      ['400 REQUEST_INVALID', head('OPTIONS * HTTP/1.1', HOST, BEARER)],
      ['400 REQUEST_INVALID', head('GET v1/link HTTP/1.1', HOST, BEARER)],
      ['400 REQUEST_INVALID', `${head('PRI * HTTP/2.0')}SM\r\n\r\n`],
      ['400 REQUEST_INVALID', head('BREW /v1/link HTTP/1.1', HOST, BEARER)],
      ['400 REQUEST_INVALID', 'hello\r\n\r\n'],
      ['closed', head('CONNECT localhost:80 HTTP/1.1', HOST, BEARER)],
      ['404 NOT_FOUND', head('GET //v1/link HTTP/1.1', HOST)],
      ['404 NOT_FOUND', head('GET /v1/link/ HTTP/1.1', HOST)],
      ['404 NOT_FOUND', head('GET /v1/./link HTTP/1.1', HOST)],
      ['404 NOT_FOUND', head('GET /x/../v1/link HTTP/1.1', HOST)],
      ['404 NOT_FOUND', head('GET /%2e/v1/link HTTP/1.1', HOST)],
      ['404 NOT_FOUND', head('GET /v1%5clink HTTP/1.1', HOST)],
      ['404 NOT_FOUND', head('GET /v1/link%00 HTTP/1.1', HOST)],
      ['405 METHOD_NOT_ALLOWED', head('OPTIONS /v1/link HTTP/1.1', HOST, 'Origin: http://evil.example')],
      ['405 METHOD_NOT_ALLOWED', head('PROPFIND /v1/link HTTP/1.1', HOST)],
    ];
    for (const [answer, request] of table) assert.equal(await asked(t, request), answer, request);
  });

  it('each request of a connection needs the token, and what is in a body is none', async (t) => {
    const list = 'GET /v1/subscribers HTTP/1.1';
    const both = connected(t).write(head(list, HOST, BEARER) + head(list, HOST) + head(list, HOST, BEARER));
    await until(() => both.answers.length === 3, { what: () => `three answers: ${both.received}` });
    assert.deepEqual(
      both.answers.map(({ status }) => status),
      [200, 401, 200],
    );
    const smuggled = head('GET /v1/subscribers HTTP/1.1', HOST, BEARER);
    const length = `Content-Length: ${smuggled.length}`;
    const json = 'Content-Type: application/json';
    const one = connected(t).write(head('POST /v1/publish HTTP/1.1', HOST, BEARER, json, length) + smuggled);
    await one.ended(10 * SECOND);
    assert.deepEqual(
      one.answers.map(({ status }) => status),
      [400],
    );
    for (const ambiguous of ['Transfer-Encoding: chunked', 'Content-Length: 1', 'Transfer-Encoding: identity']) {
      const request = head('POST /v1/publish HTTP/1.1', HOST, BEARER, json, length, ambiguous) + smuggled;
      assert.equal(await asked(t, request), '400 REQUEST_INVALID', ambiguous);
    }
  });

  it('without tokens, a name that somebody led here gets nothing, and a page of another site changes nothing', async (t) => {
    const table: [answer: string, request: string][] = [
      ['403 HOST_FORBIDDEN', head('GET /v1/link HTTP/1.1', 'Host: evil.example')],
      ['403 HOST_FORBIDDEN', head('GET /nowhere HTTP/1.1', 'Host: evil.example:8080')],
      ['403 HOST_FORBIDDEN', head('POST /v1/reload HTTP/1.1', 'Host: evil.example', 'Origin: http://evil.example')],
      ['403 HOST_FORBIDDEN', head('GET /v1/link HTTP/1.0', 'Host: 127.0.0.1.evil.example')],
      ['403 FORBIDDEN', head('POST /v1/reload HTTP/1.1', HOST, 'Sec-Fetch-Site: cross-site')],
      ['403 FORBIDDEN', head('POST /v1/reload HTTP/1.1', HOST, 'Origin: null')],
      ['400 REQUEST_INVALID', head('GET http://evil.example/v1/link HTTP/1.1', HOST)],
      ['400 REQUEST_INVALID', head('GET /v1/link HTTP/1.1', HOST, 'Host: evil.example')],
      ['200', head('GET /v1/subscribers HTTP/1.1', 'Host: [::1]:8080')],
      ['200', head('GET /v1/subscribers HTTP/1.0', HOST)],
    ];
    for (const [answer, request] of table) assert.equal(await asked(t, request, open), answer, request);
  });
});

describe('too slow, too much', () => {
  it('a head that drips, or never comes, is cut off with 408; others are answered all the while', async (t) => {
    const drip = connected(t).write(`GET /v1/link HTTP/1.1\r\n${HOST}\r\n`);
    const silent = connected(t);
    const letters = Array.from({ length: 200 }, (_, i) => `X-${i}: a\r\n`);
    const [sent] = await Promise.all([drip.drip(letters, 100), until(answered, { what: 'an answer meanwhile' })]);
    assert.ok(sent < 200, 'it could go on for ever');
    for (const connection of [drip, silent]) {
      assert.equal(await connection.verdict(), '408 REQUEST_TIMEOUT');
      await connection.ended(10 * SECOND);
    }
  });

  it('a body that drips is cut off with 408, whoever sends it', async (t) => {
    const headers = [HOST, BEARER, 'Content-Type: application/json', 'Content-Length: 1000'];
    const slow = connected(t).write(head('POST /v1/publish HTTP/1.1', ...headers));
    const sent = await slow.drip(' '.repeat(150), 100);
    assert.ok(sent < 150, 'it could go on for ever');
    assert.equal(await slow.verdict(), '408 REQUEST_TIMEOUT');
    await slow.ended(10 * SECOND);
  });

  it('the body of a call without a token is not kept, and the call is answered before it has come', async (t) => {
    const before = await memory();
    const floods = Array.from({ length: 4 }, () => {
      const headers = [HOST, 'Content-Type: application/json', `Content-Length: ${2 ** 40}`];
      return connected(t).write(head('POST /v1/publish HTTP/1.1', ...headers));
    });
    for (const flood of floods) assert.equal(await flood.verdict(), '401 UNAUTHORIZED');
    await Promise.all(floods.map((flood) => flood.flood(Buffer.alloc(65_536, 32), 100 * 2 ** 20)));
    const grown = (await memory()) - before;
    assert.ok(grown < 128 * 2 ** 20, `the gateway grew by ${grown} bytes`);
  });

  it('a head that is too large is 431, by one header or by many', async (t) => {
    const many = Array.from({ length: 5_000 }, (_, i) => `X-${i}: a`);
    for (const lines of [[`X: ${'a'.repeat(100_000)}`], many, [`Cookie: ${'a=b; '.repeat(20_000)}`]]) {
      assert.equal(await asked(t, head('GET /v1/link HTTP/1.1', HOST, ...lines)), '431 HEADERS_TOO_LARGE');
    }
    assert.equal(await asked(t, head(`GET /${'a'.repeat(50_000)} HTTP/1.1`, HOST)), '431 HEADERS_TOO_LARGE');
  });

  it('JSON that is deep, wide, long or repeats itself is refused or taken, and the gateway lives on', async () => {
    const deep = 150_000;
    const bodies = [
      '['.repeat(deep) + ']'.repeat(deep),
      `{"topic":"commands/a","payload":${'[['.repeat(deep / 2)}${']]'.repeat(deep / 2)}}`,
      `{"topic":"commands/a","payload":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      `{${Array.from({ length: 30_000 }, (_, i) => `"key-${i}":${i}`).join(',')}}`,
      `{"topic":"commands/a","payload":1${',"payload":2'.repeat(30_000)},"constructor":{"prototype":{"x":1}}}`,
      `{"topic":"commands/a","userProperties":{"__proto__":{"a":"b"}},"payload":1}`,
      `"${'\\u0000'.repeat(50_000)}"`,
      `{"topic":"${'a/'.repeat(150_000)}","payload":""}`,
    ];
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    for (const body of bodies) {
      const { status } = await gateway.http('/v1/publish', { method: 'POST', headers, body });
      assert.ok(status === 400 || status === 403 || status === 413, `${status} for ${body.slice(0, 60)}`);
    }
    const fine = { method: 'POST', headers, body: '{"topic":"commands/a","payload":{"a":[1]}}' };
    assert.equal((await gateway.http('/v1/publish', fine)).status, 202);
  });

  it('connections that say nothing make room for those that may call, and these stay', async (t) => {
    const keeper = connected(t);
    const ask = async (count: number): Promise<void> => {
      keeper.write(head('GET /v1/subscribers HTTP/1.1', HOST, BEARER));
      await until(() => keeper.answers.length === count, { what: `answer ${count}: ${keeper.received}` });
    };
    await ask(1);
    const crowd = Array.from({ length: 120 }, () => connected(t));
    await ask(2);
    assert.equal(await answered(), true);
    await until(() => crowd.filter(({ closed }) => closed).length >= 70, { what: 'the oldest to be closed' });
    await ask(3);
    assert.deepEqual([keeper.closed, keeper.answers.map(({ status }) => status)], [false, [200, 200, 200]]);
    await keeper.ended(10 * SECOND); // keepAlive
  });
});

describe('requests sent ahead', () => {
  for (const path of ['/openapi.json', '/docs', '/v1/link']) {
    it(`thousands for ${path} over one connection, whose answers nobody takes, cost neither memory nor time`, async (t) => {
      const memory = (): Promise<number> => gateway.metric('process_resident_memory_bytes');
      await asked(t, head(`GET ${path} HTTP/1.1`, HOST));
      const before = await memory();
      const closed = (): Promise<number> => gateway.metric('holdfast_http_refused_total', { reason: 'connections' });
      const closedBefore = await closed();
      for (let round = 0; round < 10; round++) {
        const connection = connected(t).write(head(`GET ${path} HTTP/1.1`, HOST).repeat(2_000));
        await connection.ended(10 * SECOND);
      }
      const grown = (await memory()) - before;
      assert.ok(grown < 150 * 2 ** 20, `it grew by ${grown} bytes`);
      assert.equal((await closed()) - closedBefore, 10, 'each connection is counted once');
      assert.equal(await asked(t, head('GET /v1/link HTTP/1.1', HOST)), '401 UNAUTHORIZED');
    });
  }

  it('a few are all answered', async (t) => {
    const one = connected(t).write(head('GET /v1/link HTTP/1.1', HOST).repeat(16));
    await until(() => one.answers.length === 16, { what: () => `16 answers: ${one.answers.length}` });
  });
});

describe('a body that is not wanted', () => {
  for (const [status, token] of [
    [401, {}],
    [413, { authorization: `Bearer ${TOKEN}` }],
  ] as const) {
    it(`is read to its end, and its client sees the ${status}`, async () => {
      for (let i = 0; i < 10; i++) {
        const { port, path } = { port: gateway.ports.httpPort, path: '/v1/publish/raw?topic=commands/a' };
        const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
        const headers = { ...token, 'content-length': 5_000_000, connection: 'close' };
        request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode));
        })
          .on('error', reject)
          .end(Buffer.alloc(5_000_000));
        assert.equal(await promise, status);
      }
    });
  }
});

describe('what is refused', () => {
  it('is counted, with its reason', async (t) => {
    const before = await refusals();
    const requests = [
      head('GET /v1/link HTTP/1.1', HOST),
      head('GET /v1/link HTTP/1.1'),
      'hello\r\n\r\n',
      head('GET /v1/link HTTP/1.1', HOST, `X: ${'a'.repeat(50_000)}`),
      head('POST /v1/reload HTTP/1.1', HOST, BEARER, 'Sec-Fetch-Site: cross-site'),
    ];
    for (const request of requests) await asked(t, request);
    const silent = connected(t);
    assert.equal(await silent.verdict(), '408 REQUEST_TIMEOUT');
    const after = await refusals();
    const counted = Object.keys(after).map((reason) => [reason, after[reason]! - before[reason]!]);
    const expected = {
      unauthorized: 1,
      forbidden: 1,
      host: 0,
      rate: 0,
      malformed: 2,
      headers: 1,
      timeout: 1,
      bodies: 0,
    };
    assert.deepEqual(Object.fromEntries(counted), { ...expected, connections: 0 });
    await asked(t, head('GET /v1/link HTTP/1.1', 'Host: evil.example'), open);
    assert.ok((await open.metric('holdfast_http_refused_total', { reason: 'host' })) > 0);
    assert.ok((await gateway.metric('holdfast_http_refused_total', { reason: 'connections' })) > 0);
  });
});

async function refusals(): Promise<{ [reason: string]: number }> {
  const counts = REFUSALS.map(async (reason): Promise<[string, number]> => {
    return [reason, await gateway.metric('holdfast_http_refused_total', { reason })];
  });
  return Object.fromEntries(await Promise.all(counts));
}

async function answered(): Promise<boolean> {
  const { status } = await gateway.http('/v1/subscribers', { headers: { authorization: `Bearer ${TOKEN}` } });
  return status === 200;
}

function memory(): Promise<number> {
  return gateway.metric('process_resident_memory_bytes');
}
