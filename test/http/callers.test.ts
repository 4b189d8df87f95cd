/** Who may call, with the real gateway: tokens that change, topics, rates, and calls that take long. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { SECURITY_HEADERS } from '../../src/domain/security-headers.js';
import { startFlow, type Flow } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { answersTo, callsOf, statusesOf } from '../support/page-calls.js';
import { scratchDirectory } from '../support/scratch.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { read } from '../tidy/tree.js';
import { RawConnection } from './raw.js';

const JSON_TYPE = { 'content-type': 'application/json' };

function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

async function code(flow: Flow, path: string, init: RequestInit = {}): Promise<string> {
  const answer = await flow.gateway.http(path, init);
  const { code } = (await answer.json()) as { code?: string };
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`;
}

function publish(flow: Flow, token: string, topic: string): Promise<string> {
  const body = JSON.stringify({ topic, payload: 'x' });
  return code(flow, '/v1/publish', { method: 'POST', headers: { ...JSON_TYPE, ...bearer(token) }, body });
}

/** A stream as a raw client sees it. */
function stream(t: TestContext, flow: Flow, token: string): RawConnection {
  const connection = new RawConnection(flow.gateway.ports.httpPort);
  t.after(() => connection.close());
  const lines = ['GET /v1/stream HTTP/1.1', 'Host: localhost', `Authorization: Bearer ${token}`];
  return connection.write(`${lines.join('\r\n')}\r\n\r\n`);
}

async function streaming(...streams: RawConnection[]): Promise<void> {
  const open = (): boolean => streams.every(({ received }) => received.includes('retry: '));
  await until(open, { what: () => `the streams: ${streams.map(({ received }) => received).join()}` });
  for (const { answers } of streams) {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) assert.equal(answers[0]!.headers.get(name), value);
  }
}

describe('callers', { skip: needs('mosquitto') }, () => {
  it('a token that is replaced in its file: the new one is known, the old one and its streams are not, the link stands', async (t) => {
    const directory = scratchDirectory('gateway');
    const [app, other] = [join(directory, 'app-token'), 'another-token-of-sixteen'];
    writeFileSync(app, 'the-first-token-of-all\n');
    const tokens = [
      { name: 'app', token: '${file:app-token}', scopes: ['read', 'admin'] },
      { name: 'other', token: other, scopes: ['read'] },
    ];
    const flow = await startFlow(t, {
      gateway: { directory, until: 'startup' },
      config: () => ({ http: { auth: { tokens } } }),
    });
    await flow.gateway.linkUp();
    const [old, lasting] = [stream(t, flow, 'the-first-token-of-all'), stream(t, flow, other)];
    await streaming(old, lasting);
    writeFileSync(app, '');
    await until(() => flow.gateway.logs.some(({ problem }) => problem === 'must not be empty'), { what: 'a refusal' });
    assert.equal(await code(flow, '/v1/subscribers', { headers: bearer('the-first-token-of-all') }), '200');
    writeFileSync(app, 'the-second-token-of-all\n');
    const known = async (): Promise<boolean> =>
      (await code(flow, '/v1/subscribers', { headers: bearer('the-second-token-of-all') })) === '200';
    await until(known, { what: () => `the new token\n${flow.gateway.report}` });
    assert.equal(
      await code(flow, '/v1/subscribers', { headers: bearer('the-first-token-of-all') }),
      '401 UNAUTHORIZED',
    );
    await old.ended(10_000);
    assert.equal(lasting.closed, false);
    assert.equal(await flow.gateway.metric('holdfast_link_connects_total'), 1);
    assert.doesNotMatch(JSON.stringify(flow.gateway.logs) + flow.gateway.tail, /-of-all|of-sixteen/);
  });

  it('tokens of the file come, go and change with POST /v1/reload and with SIGHUP', async (t) => {
    const token = (name: string, more: object): object => ({
      name,
      token: `${name}-token-of-sixteen`,
      scopes: ['read'],
      ...more,
    });
    const operator = token('operator', { scopes: ['admin'] });
    const flow = await startFlow(t, {
      gateway: { until: 'startup' },
      config: () => ({ http: { auth: { tokens: [operator] } } }),
    });
    const set = (...tokens: object[]): void => {
      (flow.config['http'] as GatewayConfig)['auth'] = { tokens: [operator, ...tokens] };
      writeFileSync(join(flow.gateway.directory, 'gateway.yaml'), JSON.stringify(flow.config));
    };
    const asks = (): Promise<string> => code(flow, '/v1/subscribers', { headers: bearer('reader-token-of-sixteen') });
    set(token('reader', {}));
    const reload = { method: 'POST', headers: bearer('operator-token-of-sixteen') };
    assert.equal(await code(flow, '/v1/reload', reload), '200');
    assert.equal(await asks(), '200');
    const open = stream(t, flow, 'reader-token-of-sixteen');
    await streaming(open);
    set(token('reader', { scopes: ['publish'] }));
    flow.gateway.signal('SIGHUP');
    await until(async () => (await asks()) === '403 FORBIDDEN', { what: 'the scope to be gone' });
    await open.ended(10_000);
    set();
    assert.equal(await code(flow, '/v1/reload', reload), '200');
    assert.equal(await asks(), '401 UNAUTHORIZED');
  });

  it('publish narrows publish.allow for one token, and rateLimit slows it alone', async (t) => {
    const tokens = [
      { name: 'pump', token: 'pump-token-of-sixteen', scopes: ['publish'], publish: ['commands/pump/#', 'other/#'] },
      { name: 'none', token: 'none-token-of-sixteen', scopes: ['publish'], publish: [] },
      { name: 'slow', token: 'slow-token-of-sixteen', scopes: ['publish'], rateLimit: { perSecond: 0.01 } },
    ];
    const flow = await startFlow(t, {
      gateway: { until: 'startup' },
      config: () => ({ publish: { allow: ['commands/#'] }, http: { auth: { tokens } } }),
    });
    await flow.gateway.linkUp();
    assert.equal(await publish(flow, 'pump-token-of-sixteen', 'commands/pump/1'), '200');
    for (const topic of ['commands/valve', 'commands/pumps', 'other/1']) {
      assert.equal(await publish(flow, 'pump-token-of-sixteen', topic), '403 TOPIC_FORBIDDEN', topic);
    }
    assert.equal(await publish(flow, 'none-token-of-sixteen', 'commands/pump/1'), '403 TOPIC_FORBIDDEN');
    assert.equal(await publish(flow, 'slow-token-of-sixteen', 'commands/valve'), '200');
    const body = '{"topic":'; // it is not even read
    const headers = { ...JSON_TYPE, ...bearer('slow-token-of-sixteen') };
    const limited = await flow.gateway.http('/v1/publish', { method: 'POST', headers, body });
    const { code: why, retryAfterSeconds } = (await limited.json()) as { code: string; retryAfterSeconds: number };
    assert.deepEqual([limited.status, why], [429, 'TOO_MANY_REQUESTS']);
    assert.ok(retryAfterSeconds > 90 && retryAfterSeconds <= 100, String(retryAfterSeconds));
    assert.equal(limited.headers.get('retry-after'), String(retryAfterSeconds));
    assert.equal(await publish(flow, 'pump-token-of-sixteen', 'commands/pump/1'), '200');
    // What it may not do, and what is not there, counts like the rest.
    for (const path of ['/v1/link', '/v1/nowhere', '/docs']) {
      const answer = await flow.gateway.http(path, { headers: bearer('slow-token-of-sixteen') });
      assert.equal(answer.status, 429, path);
    }
  });

  it('whatever way it publishes: raw bytes, a batch of which the others go out, a request; and what it is told of', async (t) => {
    const pump = 'pump-token-of-sixteen';
    const any = 'a-token-for-any-topic';
    const tokens = [
      { name: 'pump', token: pump, scopes: ['publish'], publish: ['commands/pump/#'] },
      { name: 'any', token: any, scopes: ['publish'] },
    ];
    const flow = await startFlow(t, {
      gateway: { until: 'startup' },
      config: () => ({ publish: { allow: ['commands/#'] }, http: { auth: { tokens } } }),
    });
    await flow.gateway.linkUp();
    const post = (path: string, type: string, body: string): Parameters<typeof code> => {
      return [flow, path, { method: 'POST', headers: { 'content-type': type, ...bearer(pump) }, body }];
    };
    assert.equal(await code(...post('/v1/publish/raw?topic=commands/pump/1', 'text/plain', 'on')), '200');
    const raw = await code(...post('/v1/publish/raw?topic=commands/valve', 'text/plain', 'on'));
    assert.equal(raw, '403 TOPIC_FORBIDDEN');
    const asking = JSON.stringify({ topic: 'commands/valve', payload: 'x', timeoutSeconds: 1 });
    assert.equal(await code(...post('/v1/request', 'application/json', asking)), '403 TOPIC_FORBIDDEN');
    const batch = JSON.stringify(['pump/1', 'valve'].map((name) => ({ topic: `commands/${name}`, payload: 'x' })));
    const [, path, init] = post('/v1/publish/batch', 'application/json', batch);
    const answer = await flow.gateway.http(path, init);
    const items = (await answer.json()) as { status: string; problem?: { code: string } }[];
    assert.equal(answer.status, 207);
    assert.deepEqual(
      items.map(({ status, problem }) => [status, problem?.code]),
      [
        ['published', undefined],
        ['failed', 'TOPIC_FORBIDDEN'],
      ],
    );
    for (const [topic, seen] of [
      ['commands/pump/2', '200'],
      ['commands/valve', '404 NOT_FOUND'],
    ] as const) {
      const { id } = (await (await flow.gateway.post('/v1/publish', { topic, payload: 'x' }, bearer(any))).json()) as {
        id: string;
      };
      assert.equal(await code(flow, `/v1/publishes/${id}`, { headers: bearer(any) }), '200');
      assert.equal(await code(flow, `/v1/publishes/${id}`, { headers: bearer(pump) }), seen);
    }
  });

  it('streams: so many of a token; a call that waits long, and a stream, outlast every limit on requests', async (t) => {
    const proxy = new TcpProxy(0);
    await proxy.listen();
    t.after(() => proxy.stop());
    const tokens = ['one', 'two'].map((name) => ({
      name,
      token: `${name}-token-of-sixteen`,
      scopes: ['read', 'publish'],
    }));
    const flow = await startFlow(t, {
      gateway: { until: 'startup' },
      config: ({ brokerUrl }) => {
        proxy.aim(Number(new URL(brokerUrl).port));
        return {
          broker: { url: `mqtt://127.0.0.1:${proxy.port}` },
          session: { keepalive: '60s' },
          publish: { allow: ['commands/#'], wait: '5s' },
          http: {
            auth: { tokens },
            limits: { headersTimeout: '1s', requestTimeout: '1s', keepAlive: '1s' },
            stream: { maxClients: 3, maxPerToken: 2 },
          },
        };
      },
    });
    await flow.gateway.linkUp();
    const streams = [stream(t, flow, 'one-token-of-sixteen'), stream(t, flow, 'one-token-of-sixteen')];
    await streaming(...streams);
    assert.equal(await code(flow, '/v1/stream', { headers: bearer('one-token-of-sixteen') }), '503 STREAMS_FULL');
    streams.push(stream(t, flow, 'two-token-of-sixteen'));
    await streaming(...streams);
    proxy.blackhole();
    const begun = performance.now();
    assert.equal(await publish(flow, 'one-token-of-sixteen', 'commands/a'), '202');
    assert.ok(performance.now() - begun > 4_500);
    await sleep(1_000);
    assert.deepEqual(
      streams.map(({ closed }) => closed),
      [false, false, false],
    );
  });

  it('the calls that docs/http.md shows are answered as it says', async (t) => {
    const page = read('docs/http.md');
    const [, yaml] = /```yaml\n(publish:[^`]+)```/.exec(page)!;
    const calls = callsOf(page).join('');
    const directory = scratchDirectory('gateway');
    for (const name of ['operator', 'pump'])
      writeFileSync(join(directory, `${name}-token`), `a-long-token-of-${name}\n`);
    const flow = await startFlow(t, {
      gateway: { directory, until: 'startup' },
      config: () => parse(yaml!) as GatewayConfig,
    });
    await flow.gateway.linkUp();
    const said = await answersTo(calls, { '127.0.0.1:8080': flow.gateway.ports.httpPort }, directory);
    const promised = [...calls.matchAll(/^curl .*# (\d+)/gm)].map(([, status]) => Number(status));
    assert.equal(promised.length, 7);
    assert.deepEqual(statusesOf(said), promised);
  });
});
