/** Every way to a broker and into it: TCP, TLS, WebSocket, both protocols, passwords, certificates, fail-over. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Authority } from '../support/certificates.js';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { mosquittoListeners } from '../support/listeners.js';
import { passwordFile } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { startProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const KEEPALIVE_MS = 5_000;

interface LinkView {
  url: string;
  protocol: string;
  drops: { cause: string; evidence: string[]; mend: string }[];
}

async function linkOf({ gateway }: Flow): Promise<LinkView> {
  return (await (await gateway.http('/v1/link')).json()) as LinkView;
}

/** Messages come in, and a publish goes out. */
async function flows(flow: Flow, more: { username?: string; password?: string } = {}): Promise<void> {
  const { broker, receiver, gateway } = flow;
  await publishNumbered({ url: broker.url, topics: TOPICS, count: 100, ...more }).done;
  await receiver.waitFor((one) => allDelivered(one, 100));
  assertNumbered(receiver, TOPICS, 100);
  const answer = await gateway.post('/v1/publish', { topic: 'commands/a', payload: 'x' });
  assert.equal(answer.status, 200);
}

function start(t: TestContext, lines: string[], broker: object, more: object = {}): Promise<Flow> {
  return startFlow(t, {
    broker: { lines },
    config: () => ({ broker, publish: { allow: ['commands/#'] }, ...more }),
  });
}

describe('transports', { skip: needs('mosquitto', 'openssl') }, () => {
  for (const protocol of ['3.1.1', 'auto']) {
    it(`MQTT over WebSocket: messages come in and go out, protocol ${protocol}`, async (t) => {
      const { lines, urls } = await mosquittoListeners(undefined);
      const flow = await start(t, lines, { url: urls.ws, protocol });
      await flows(flow);
      const link = await linkOf(flow);
      assert.deepEqual([link.url, link.protocol], [`${urls.ws}/`, protocol === 'auto' ? '5' : protocol]);
    });
  }

  it('MQTT over WebSocket: the path, the headers and the subprotocol are what the server is asked with', async (t) => {
    const { lines, ports } = await mosquittoListeners(undefined);
    const proxy = await startProxy(ports.ws);
    t.after(() => proxy.stop());
    let head = '';
    proxy.tap = (connection, from, chunk) => {
      if (connection === 1 && from === 'client') head += chunk.toString('latin1');
    };
    const url = `ws://127.0.0.1:${proxy.port}/mqtt/v1?tenant=7`;
    await flows(await start(t, lines, { url, wsHeaders: { authorization: 'Bearer let-me-in' } }));
    assert.match(head, /^GET \/mqtt\/v1\?tenant=7 HTTP\/1\.1\r\n/);
    assert.match(head, /\r\nauthorization: Bearer let-me-in\r\n/i);
    assert.match(head, /\r\nsec-websocket-protocol: mqtt\r\n/i);
  });

  it('MQTT over WebSocket: resets of the line lose nothing', async (t) => {
    const { lines, ports } = await mosquittoListeners(undefined);
    const proxy = await startProxy(ports.ws);
    t.after(() => proxy.stop());
    const flow = await start(t, lines, { url: `ws://127.0.0.1:${proxy.port}` });
    const publisher = publishNumbered({ url: flow.broker.url, topics: TOPICS, count: 2_000, perSecond: 1_000 });
    const resetting = setInterval(() => proxy.reset(), 400);
    t.after(() => clearInterval(resetting));
    await publisher.done;
    clearInterval(resetting);
    await flow.receiver.waitFor((one) => allDelivered(one, 2_000));
    assertNumbered(flow.receiver, TOPICS, 2_000);
    assert.ok((await flow.gateway.metric('holdfast_link_drops_total')) >= 2);
  });

  it('MQTT over WebSocket: a half-open connection is found within one and a half keepalives', async (t) => {
    const { lines, ports } = await mosquittoListeners(undefined);
    const proxy = await startProxy(ports.ws);
    t.after(() => proxy.stop());
    const session = { session: { keepalive: `${KEEPALIVE_MS}ms` } };
    const { gateway } = await start(t, lines, { url: `ws://127.0.0.1:${proxy.port}` }, session);
    proxy.blackhole();
    const cutAt = performance.now();
    const down = async (): Promise<boolean> => (await gateway.metric('holdfast_link_up')) === 0;
    await until(down, { timeoutMs: 2 * KEEPALIVE_MS, what: 'the link to be given up' });
    assert.ok(performance.now() - cutAt < 1.5 * KEEPALIVE_MS + 500);
    assert.equal(await gateway.metric('holdfast_link_drops_total', { cause: 'keepalive-timeout' }), 1);
    proxy.reset();
    proxy.restore();
    await gateway.linkUp();
  });

  for (const kind of ['mqtts', 'wss'] as const) {
    it(`${kind}: an authority that is not trusted is named; once it is, messages flow, with a password`, async (t) => {
      const authority = new Authority();
      const { lines, urls } = await mosquittoListeners(authority.server());
      const users = passwordFile('gateway', 'a:secret');
      const login = { username: 'gateway', password: 'a:secret' };
      const closed = ['allow_anonymous false', `password_file ${users}`];
      const flow = await startFlow(t, {
        gateway: { until: 'startup' },
        broker: { lines: [...lines, ...closed] },
        config: () => ({ broker: { url: urls[kind], ...login }, publish: { allow: ['commands/#'] } }),
      });
      await refused(flow, 'tls');
      await mended(flow, /authority.*broker\.tls\.caFile/);
      await flow.gateway.stop();
      Object.assign(flow.config['broker'] as object, { tls: { caFile: authority.certFile } });
      await flow.restart();
      await flow.gateway.answered(1);
      await flows(flow, login);
    });

    it(`${kind}: a broker that wants a certificate takes the client that has one, and it alone`, async (t) => {
      const authority = new Authority();
      const secure = [`cafile ${authority.certFile}`, 'require_certificate true', 'use_identity_as_username true'];
      const { lines, urls } = await mosquittoListeners(authority.server(['DNS:broker.example']), { secure });
      const tls = { caFile: authority.certFile, serverName: 'broker.example' };
      const flow = await startFlow(t, {
        gateway: { until: 'startup' },
        broker: { lines },
        config: () => ({ broker: { url: urls[kind], tls }, publish: { allow: ['commands/#'] } }),
      });
      await refused(flow, 'tls');
      await mended(flow, /broker\.tls\.certFile and broker\.tls\.keyFile/);
      await flow.gateway.stop();
      Object.assign(tls, authority.client('gateway-7'));
      await flow.restart();
      await flow.gateway.answered(1);
      await flows(flow);
      assert.match(flow.broker.log, /u'gateway-7'/, 'the certificate is the identity');
    });
  }

  it(
    'a client certificate that has expired is named, with the files to replace',
    { skip: needs('faketime') },
    async (t) => {
      const authority = new Authority();
      const secure = [`cafile ${authority.certFile}`, 'require_certificate true'];
      const { lines, urls } = await mosquittoListeners(authority.server(), { secure });
      const tls = { caFile: authority.certFile, ...authority.expiredClient('gateway-7') };
      const flow = await startFlow(t, {
        gateway: { until: 'startup' },
        broker: { lines },
        config: () => ({ broker: { url: urls.mqtts, tls } }),
      });
      await refused(flow, 'tls');
      await mended(flow, /broker\.tls\.certFile and broker\.tls\.keyFile/);
      assert.match((await linkOf(flow)).drops[0]!.evidence.join(), /certificate has expired/);
    },
  );

  it('fail-over: stays on the address that works, and moves on when it fails, also to another protocol', async (t) => {
    const authority = new Authority();
    const server = authority.server();
    const { lines, urls, ports } = await mosquittoListeners(server);
    const plain = await startProxy(0);
    const secure = await startProxy(ports.wss);
    t.after(() => Promise.all([plain.stop(), secure.stop()]));
    const client = authority.client('gateway');
    const flow = await startFlow(t, {
      broker: { lines },
      config: ({ brokerUrl }) => {
        plain.aim(Number(new URL(brokerUrl).port));
        const all = [`mqtt://127.0.0.1:${plain.port}`, `wss://127.0.0.1:${secure.port}`, urls.mqtts];
        const tls = { caFile: authority.certFile, ...client };
        return { broker: { url: null, urls: all, tls }, publish: { allow: ['commands/#'] } };
      },
    });
    const onPort = async (port: number): Promise<boolean> =>
      new URL((await linkOf(flow)).url).port === `${port}` && (await flow.gateway.metric('holdfast_link_up')) === 1;
    assert.ok(await onPort(plain.port), 'a client certificate makes no TLS of a plain address');
    plain.reset();
    await until(async () => (await flow.gateway.metric('holdfast_link_connects_total')) === 2, { what: 'the link' });
    assert.ok(await onPort(plain.port), 'a drop alone is no reason to move');
    plain.refuse = true;
    plain.reset();
    await until(() => onPort(secure.port), { what: () => `the second address\n${flow.gateway.report}` });
    secure.refuse = true;
    secure.reset();
    await until(() => onPort(ports.mqtts), { what: () => `the third address\n${flow.gateway.report}` });
    await flow.gateway.answered(1);
    await flows(flow);
  });

  it('a server that speaks no MQTT over WebSocket is named, with what it answered', async (t) => {
    const port = await webServer(t);
    const flow = await startFlow(t, {
      gateway: { until: 'startup' },
      config: () => ({ broker: { url: `ws://127.0.0.1:${port}/mqtt` } }),
    });
    await refused(flow, 'websocket-upgrade');
    const [drop] = (await linkOf(flow)).drops;
    assert.match(drop!.evidence.join(), /Unexpected server response: 404/);
  });

  it('a web server at the port for MQTT is named: the port is to be checked', async (t) => {
    const port = await webServer(t);
    const flow = await startFlow(t, {
      gateway: { until: 'startup' },
      config: () => ({ broker: { url: `mqtt://127.0.0.1:${port}` } }),
    });
    await refused(flow, 'protocol-error');
    const [drop] = (await linkOf(flow)).drops;
    assert.match(drop!.evidence.join(), /a web server answers/);
    assert.match(drop!.mend, /check the port in broker\.url/);
  });
});

/** What the newest refusal says in words, and not in those of OpenSSL or Node. */
async function mended(flow: Flow, mend: RegExp): Promise<void> {
  const [drop] = (await linkOf(flow)).drops;
  assert.match(drop!.mend, mend);
  assert.doesNotMatch(drop!.evidence.join(), /use-system-ca|SSL routines/);
}

async function refused({ gateway }: Flow, cause: string): Promise<void> {
  await until(async () => (await gateway.metric('holdfast_link_refused_total', { cause })) > 0, {
    what: () => `a refusal because of ${cause}\n${gateway.report}`,
  });
}

/** Answers 404 to everything. @returns its port */
async function webServer(t: TestContext): Promise<number> {
  const server = createServer((_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
