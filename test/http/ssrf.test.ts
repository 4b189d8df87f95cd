/** Every spelling of an address that a subscriber may not have, from the registration to the request that is never made. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { freePort } from '../support/ports.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { scratchDirectory } from '../support/scratch.js';

/** DNS that the attacker runs: each name has its answers in turn, and the last one from then on. */
const NAMES = {
  'inside.example': ['127.0.0.1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'metadata.example': ['169.254.169.254'],
  'both.example': ['203.0.113.7 127.0.0.1'],
  'rebind.example': ['203.0.113.7', '127.0.0.1'],
  'rebind.network.example': ['10.1.2.3', '127.0.0.1'],
};
const PRELOADED = `
import dns from 'node:dns';
import promises from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
const names = ${JSON.stringify(NAMES)};
const found = (host) => {
  const answers = names[host];
  const [addresses] = answers.length > 1 ? answers.splice(0, 1) : answers;
  return addresses.split(' ').map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
};
const { lookup } = dns;
const later = promises.lookup;
dns.lookup = (host, options, callback) =>
  Object.hasOwn(names, host) ? process.nextTick(callback, null, found(host)) : lookup(host, options, callback);
promises.lookup = (host, options) => (Object.hasOwn(names, host) ? Promise.resolve(found(host)) : later(host, options));
syncBuiltinESMExports();
`;

let inside: Receiver;
let app: Receiver;
let gateway: GatewayProcess;

before(async () => {
  inside = await startReceiver();
  app = await startReceiver();
  const preloaded = join(scratchDirectory('dns'), 'dns.mjs');
  writeFileSync(preloaded, PRELOADED);
  const config = await gatewayConfig({
    broker: { url: `mqtt://127.0.0.1:${await freePort()}` },
    registration: {
      allow: [`localhost:${app.port}`, '10.0.0.0/8', 'rebind.example', 'both.example', 'mapped.example'],
    },
  });
  gateway = await startGateway(config, { nodeArgs: ['--import', preloaded] });
});
after(async () => {
  await gateway.kill();
  await Promise.all([inside.stop(), app.stop()]);
});

interface Answer {
  http: number;
  code: string;
  outcome: string;
  reason: string;
  status: number;
}

async function call(method: string, path: string, body?: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const init = { method, ...(body ? { headers, body: JSON.stringify(body) } : {}) };
  const answer = await gateway.http(`/v1/subscribers/${path}`, init);
  return { ...((await answer.json()) as Answer), http: answer.status };
}

function put(url: string): Promise<Answer> {
  return call('PUT', 'app', { url, topics: ['devices/#'] });
}

describe('where a registered subscriber may lead', () => {
  it('no spelling of this machine, of a network that is not allowed, or of metadata is registered', async () => {
    const loopback = [
      '127.0.0.1',
      '127.1',
      '127.0.1',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '0177.0.0.1',
      '017700000001',
      '127.0.0.1.',
    ];
    const mapped = [
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[0:0:0:0:0:ffff:7f00:0001]',
      '[::127.0.0.1]',
      '[64:ff9b::127.0.0.1]',
    ];
    const here = ['0.0.0.0', '0', '[::]', 'localhost', 'LOCALHOST.', '１２７.0.0.1', '127。0。0。1', '%31%32%37.0.0.1'];
    const elsewhere = [
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '[::ffff:a9fe:a9fe]',
      '192.168.0.1',
      '[fe80::1]',
      '[fd00:ec2::254]',
    ];
    const names = ['inside.example', 'metadata.example', 'mapped.example', 'both.example', 'nowhere.invalid'];
    for (const host of [...loopback, ...mapped, ...here, ...elsewhere, ...names]) {
      for (const url of [`http://${host}:${inside.port}/`, `https://${host}:${inside.port}/`]) {
        const { http, code } = await put(url);
        assert.deepEqual([http, code], [403, 'URL_FORBIDDEN'], url);
      }
    }
    const port = inside.port;
    for (const url of [
      `http://allowed@127.0.0.1:${port}/`,
      `http://127.0.0.1:${port}#@localhost:${app.port}/`.replace('http://', 'http://a:b@'),
      `ftp://127.0.0.1:${port}/`,
      `file:///etc/passwd`,
      `//127.0.0.1:${port}/`,
      `http:127.0.0.1:${port}/`,
      `gopher://127.0.0.1:${port}/_GET`,
      `http://\n127.0.0.1:${port}/`,
    ]) {
      assert.equal((await put(url)).http, 400, url);
    }
    assert.equal((await call('POST', 'app/test')).http, 404);
    assert.equal(inside.requests.length, 0);
  });

  it('a redirect is not followed', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      app.answer = () => ({ status, headers: { location: `http://127.0.0.1:${inside.port}/secret` } });
      assert.ok((await put(`http://localhost:${app.port}/`)).http < 300);
      const { outcome, status: seen } = await call('POST', 'app/test');
      assert.deepEqual([outcome, seen], ['dead', status]);
    }
    assert.deepEqual([app.requests.length, inside.requests.length], [5, 0]);
  });

  it('a name that leads elsewhere once it is registered reaches nobody', async () => {
    for (const host of ['rebind.example', 'rebind.network.example']) {
      assert.ok((await put(`http://${host}:${inside.port}/`)).http < 300, host);
      for (let tries = 0; tries < 2; tries++) {
        const { outcome, reason, status } = await call('POST', 'app/test');
        assert.deepEqual([outcome, reason, status], ['retry', 'forbidden', 0], host);
      }
    }
    assert.equal(inside.requests.length, 0);
  });
});
