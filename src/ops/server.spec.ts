import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { HealthFacts } from './health.js';
import { OpsServer } from './server.js';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

interface Ops {
  server: OpsServer;
  port: number;
  facts: HealthFacts;
  call: (path: string, method?: string, accept?: string) => Promise<Answer>;
}

async function ops(t: TestContext, openMetrics = false): Promise<Ops> {
  const facts: HealthFacts = {
    started: true,
    stopping: false,
    linkUp: true,
    journalState: 'open',
    journalDelayMs: 0,
    mainDelayMs: 0,
  };
  const server = new OpsServer(() => facts, { stallLimitMs: 600_000, readyNeedsLink: false }, { openMetrics });
  const port = await server.listen('127.0.0.1', 0);
  t.after(() => server.close());
  const call = (path: string, method = 'GET', accept = '*/*'): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = request({ port, host: '127.0.0.1', method, path, agent: false, headers: { accept } }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
      });
      asked.on('error', reject).end();
    });
  return { server, port, facts, call };
}

describe('the ops server', () => {
  it('a port that is taken is told as such', async (t) => {
    const { port, facts } = await ops(t);
    const second = new OpsServer(() => facts, { stallLimitMs: 1, readyNeedsLink: false });
    await assert.rejects(second.listen('127.0.0.1', port), { code: 'LISTEN_FAILED', message: /EADDRINUSE/ });
  });

  it('an address that is not here is 404, however it is written, and never the end of the connection', async (t) => {
    const { call } = await ops(t);
    for (const path of [
      '/',
      '//',
      '//metrics',
      '/metrics/',
      '/livez/x',
      '/healthz',
      '/%zz',
      '/%6cetrics',
      '/__proto__',
    ]) {
      assert.equal((await call(path)).status, 404, path);
    }
  });

  it('only GET and HEAD are answered; the others are told so', async (t) => {
    const { call } = await ops(t);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers } = await call('/metrics', method);
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
    }
    for (const path of ['/metrics', '/livez', '/nowhere']) {
      const [head, get] = [await call(path, 'HEAD'), await call(path)];
      assert.deepEqual([head.status, head.headers['content-type']], [get.status, get.headers['content-type']]);
      assert.deepEqual([head.text, get.text === '' && path !== '/metrics'], ['', false]);
    }
  });

  it('what is no HTTP does not disturb the next caller', async (t) => {
    const { port, call } = await ops(t);
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve) =>
      socket.once('close', resolve).end('\u0016\u0003\u0001 hello\r\n\r\n').resume(),
    );
    assert.equal((await call('/livez')).status, 200);
  });

  it('a probe that fails is 503 and says why without being asked; verbose says it always', async (t) => {
    const { call, facts } = await ops(t);
    assert.deepEqual((await call('/readyz')).text, 'ok\n');
    assert.match(
      (await call('/readyz?verbose')).text,
      /^\[\+\] started: yes$[^]*^\[\+\] link: up \(not required\)$[^]*^readyz ok$/m,
    );
    facts.journalState = 'full';
    facts.journalReason = 'the disk is full';
    facts.linkUp = false;
    const { status, text, headers } = await call('/readyz');
    assert.deepEqual([status, headers['cache-control']], [503, 'no-store']);
    assert.match(
      text,
      /^\[-\] journal has room: full: the disk is full$[^]*^\[-\] link: down \(not required\)$[^]*^readyz failed$/m,
    );
    assert.equal((await call('/livez')).status, 200);
    facts.started = false;
    assert.deepEqual([(await call('/startupz')).status, (await call('/livez')).status], [503, 200]);
  });

  it('OpenMetrics is for those who prefer it, and only where it is offered', async (t) => {
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
    const counter = '# HELP a_total A.\n# TYPE a_total counter\na_total ';
    for (const offered of [false, true]) {
      const { server, call } = await ops(t, offered);
      let read = (exemplars: boolean): Promise<string> => Promise.resolve(`${counter}${exemplars ? 2 : 1}\n`);
      server.addMetrics((exemplars) => read(exemplars));
      const plain = await call('/metrics');
      assert.equal(plain.text, `${counter}1\n`);
      const other = await call('/metrics', 'GET', accept);
      const open = {
        type: /^application\/openmetrics-text; version=1\.0\.0/,
        text: '# HELP a A.\n# TYPE a counter\na_total 2\n# EOF\n',
      };
      const expected = offered ? open : { type: /^text\/plain; version=0\.0\.4/, text: plain.text };
      assert.match(other.headers['content-type']!, expected.type);
      assert.equal(other.text, expected.text);
      read = () => Promise.reject(new Error('gone'));
      assert.equal((await call('/metrics', 'GET', accept)).text, expected.text, 'the last figures in each format');
      assert.equal((await call('/metrics')).text, plain.text);
    }
  });

  it('a source that hangs or fails has its last figures stand in, and holds nobody up', async (t) => {
    const { server, call } = await ops(t);
    let read = (): Promise<string> => Promise.resolve('a 1\n');
    server.addMetrics(() => read());
    server.addMetrics(() => Promise.resolve('b 2\n'));
    server.addMetrics(() => Promise.reject(new Error('never had any')));
    assert.deepEqual((await call('/metrics')).text.split('\n').filter(Boolean), ['a 1', 'b 2']);
    for (const broken of [
      (): Promise<string> => new Promise(() => undefined),
      (): Promise<string> => Promise.reject(new Error('gone')),
      (): Promise<string> => {
        throw new Error('gone at once');
      },
    ]) {
      read = broken;
      const begun = performance.now();
      const { status, text, headers } = await call('/metrics');
      assert.equal(status, 200);
      assert.match(headers['content-type']!, /^text\/plain; version=0\.0\.4/);
      assert.deepEqual(text.split('\n').filter(Boolean), ['a 1', 'b 2']);
      assert.ok(performance.now() - begun < 2_000);
    }
  });
});
