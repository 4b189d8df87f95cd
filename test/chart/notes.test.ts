/** What helm says after an installation, and the pod of helm test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { needs } from '../support/needs.js';
import { chartWithNotes, render, shape, type Values } from './helm.js';
import { the, type Container, type Manifest, type PodSpec } from './manifests.js';

describe('the notes', { skip: needs('helm') }, () => {
  const chart = chartWithNotes();
  const notes = (values: Values = {}): string =>
    the<Manifest & { text: string }>(render(values, { chart }), 'Notes').text;

  it('say how to see the link, publish, open the console, and test', () => {
    const text = notes(shape('default'));
    assert.ok(text.includes('kubectl --namespace mqtt port-forward pod/gw-holdfast-0 8080:8080 9090:9090'));
    assert.ok(text.includes('curl -s http://localhost:8080/v1/link'));
    assert.ok(text.includes("curl -s 'http://localhost:9090/readyz?verbose'"));
    assert.ok(text.includes('http://localhost:8080/console'));
    assert.match(
      text,
      /Publish a message \(config\.publish\.allow is empty.*\):\n {2}curl -s http:\/\/localhost:8080\/v1\/publish -H/,
    );
    assert.ok(text.includes('helm test gw --namespace mqtt --logs'));
    assert.doesNotMatch(text, /WARNING/);
    assert.doesNotMatch(notes({ config: { publish: { allow: ['#'] } } }), /is empty/);
  });

  it('follow the configuration: port, TLS, token', () => {
    const text = notes(shape('secrets'));
    assert.ok(text.includes('curl -s -H "authorization: Bearer $TOKEN" https://localhost:8443/v1/link'));
  });

  it('of a sidecar say that a Deployment leaks sessions', () => {
    const text = notes(shape('sidecar'));
    assert.match(text, /In a Deployment names are random: each new pod begins a\nnew session/);
    assert.ok(text.includes('port-forward pod/POD 8080:8080'));
    assert.doesNotMatch(text, /helm test/);
  });

  const warnings: [RegExp, Values][] = [
    [/WARNING: config\.broker\.url is the default/, {}],
    [/WARNING: persistence\.enabled is false\. The journal dies with its pod/, shape('trial')],
    [/WARNING: secrets\.values are kept in this release/, shape('secrets')],
    [/WARNING: config\.http\.auth is none\. Whoever reaches port 8080 may do everything/, shape('scale-out')],
    [
      /WARNING: the subscriber a is at http:\/\/localhost:3000: in this pod there is nobody but the gateway/,
      { config: { subscribers: [{ id: 'a', url: 'http://localhost:3000', topics: ['#'] }] } },
    ],
  ];
  it('name each secret that stands in words in the ConfigMap, and none that is elsewhere', () => {
    const told = (secret: string): string[] => {
      const subscriber = { id: 'a', url: 'http://a.svc', topics: ['#'] };
      const config = {
        broker: { password: secret, wsHeaders: { Authorization: secret, other: 'x' } },
        http: { auth: { tokens: [{ name: 't', token: secret, scopes: ['read'] }] } },
        subscribers: [
          {
            ...subscriber,
            signing: { secrets: [secret] },
            auth: { bearer: secret },
            headers: { authorization: secret },
          },
          { ...subscriber, id: 'b', auth: { basic: { username: 'u', password: secret } } },
        ],
        tracing: { headers: { authorization: secret } },
      };
      const said = /WARNING: these secrets stand in words in a ConfigMap.*: (config\..*)\.\n/.exec(
        notes({ config, secrets: { existingSecret: 'mine' } }),
      );
      return said?.[1]!.split(', ') ?? [];
    };
    assert.deepEqual(told('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), [
      'config.broker.password',
      'config.broker.wsHeaders',
      'config.http.auth.tokens (t)',
      'config.subscribers (a).auth.bearer',
      'config.subscribers (a).headers',
      'config.subscribers (a).signing.secrets',
      'config.subscribers (b).auth.basic.password',
      'config.tracing.headers',
    ]);
    assert.deepEqual(told('${file:/run/secrets/holdfast/one}'), []);
  });

  const open = { host: '0.0.0.0', auth: 'none' };
  const forbidden = (values: Values): string[] =>
    (
      /WARNING: config\.http\.allowedHosts lacks[^:]*:[^.]*\.mqtt or \.mqtt\.svc[^\n]*\n((?: {2}\S+\n?)*)/.exec(
        notes(values),
      )?.[1] ?? ''
    )
      .split('\n')
      .flatMap((line) => line.trim() || []);

  it('name what allowedHosts lacks, where the name is looked at', () => {
    const own = [0, 1].map((i) => `gw-holdfast-${i}.gw-holdfast-headless`);
    assert.deepEqual(forbidden({ replicas: 2, config: { http: open } }), ['gw-holdfast', ...own]);
    assert.deepEqual(forbidden({ config: { http: open }, service: { enabled: false } }), own.slice(0, 1));
    const allowedHosts = ['GW-holdfast.mqtt.svc', 'gw-holdfast-0.other'];
    assert.deepEqual(forbidden({ config: { http: { ...open, allowedHosts } } }), own.slice(0, 1));
    const auth = { tokens: [{ name: 'a', token: 'b'.repeat(32), scopes: ['read'] }] };
    assert.deepEqual(forbidden({ config: { http: { ...open, auth, allowedHosts } } }), own.slice(0, 1));
    assert.deepEqual(forbidden({ config: { http: { ...open, auth } } }), []);
    assert.deepEqual(forbidden({ config: { http: { auth: 'none' } } }), []);
    assert.match(notes({ mode: 'sidecar', config: { http: open } }), /allowedHosts is empty\. Without tokens/);
  });

  it('find every name in the shape that scales out: they are those of its Services', () => {
    assert.deepEqual(forbidden(shape('scale-out')), []);
    const made = render(shape('scale-out'));
    const services = made.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    const { allowedHosts } = (shape('scale-out')['config'] as { http: { allowedHosts: string[] } }).http;
    for (const name of allowedHosts)
      assert.ok(services.includes(name.split('.').find((part) => services.includes(part))!), name);
  });

  for (const [said, values] of warnings)
    it(`warn: ${said.source.slice(0, 60)}`, () => assert.match(notes(values), said));
});

describe('helm test', { skip: needs('helm') }, () => {
  const test = the<Manifest & { spec: PodSpec & { restartPolicy: string } }>(render(shape('scale-out')), 'Pod');
  const container = test.spec.containers[0]!;

  it('is a hook, with the gateway’s own image, that asks every replica', () => {
    // `hook-succeeded` would delete the pod before `helm test --logs` reads its log, which then fails.
    const hook = { 'helm.sh/hook': 'test', 'helm.sh/hook-delete-policy': 'before-hook-creation' };
    assert.deepEqual(test.metadata.annotations, hook);
    assert.equal(container.image, 'holdfast:0.1.0');
    assert.equal(test.spec.restartPolicy, 'Never');
    const given = shape('everything');
    const everywhere = the<typeof test>(render(given), 'Pod').spec as unknown as Values;
    for (const key of ['tolerations', 'nodeSelector']) assert.deepEqual(everywhere[key], given[key], key);
    const { requests, limits } = container.resources!;
    assert.deepEqual(requests, { cpu: '50m', memory: '64Mi' });
    assert.deepEqual(limits, { cpu: '500m', memory: '128Mi' });
    const resources = { limits: { memory: '256Mi', cpu: null } };
    const made = the<typeof test>(render({ test: { resources } }), 'Pod').spec.containers[0]!;
    assert.deepEqual(made.resources, { requests, limits: { memory: '256Mi' } });
    const asked = [0, 1, 2].map((i) => `http://gw-holdfast-${i}.gw-holdfast-headless:9090/readyz?verbose`);
    assert.deepEqual(container.env![0], { name: 'GATEWAYS', value: asked.join(' ') });
  });

  it('passes when all are ready, also a little later, and fails when one never is', async (t) => {
    let calls = 0;
    const ready = await listen(t, () => 200);
    const late = await listen(t, () => (++calls > 1 ? 200 : 503));
    const never = await listen(t, () => 503);
    const passed = await runTest(container, [ready, late], 30);
    assert.deepEqual([passed.code, passed.said.match(/: 200\nthe parts/g)?.length], [0, 2]);
    const failed = await runTest(container, [ready, never], 1);
    assert.equal(failed.code, 1);
    assert.match(failed.said, /: 503\nthe parts/);
  });

  it('fails, and says why, when nobody is there', async (t) => {
    const server = createServer();
    const address = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const { code, said } = await runTest(container, [address], 1);
    assert.deepEqual([code, /ECONNREFUSED/.test(said)], [1, true]);
    t.diagnostic(said);
  });
});

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz?verbose`;
}

async function listen(t: TestContext, status: () => number): Promise<string> {
  const server = createServer((_, answer) => answer.writeHead(status()).end('the parts'));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return listening(server);
}

/** The container's own command, as the kubelet would run it. */
async function runTest(
  { command = [], args = [] }: Container,
  urls: string[],
  timeoutSeconds: number,
): Promise<{ code: number | null; said: string }> {
  const [program, ...more] = [...command, ...args];
  assert.equal(program, 'node');
  const env = { GATEWAYS: urls.join(' '), TIMEOUT_SECONDS: String(timeoutSeconds) };
  const child = spawn(process.execPath, more, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}
