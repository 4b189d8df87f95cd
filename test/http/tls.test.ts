/** REST over TLS: certificates that are renewed, clients that must have one, and the doctor. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { Authority, pemOf, type Certificate } from '../support/certificates.js';
import { runDoctor } from '../support/doctor.js';
import { gatewayConfig, type GatewayConfig } from '../support/gateway-config.js';
import { startGateway, type GatewayProcess } from '../support/gateway-process.js';
import { needs } from '../support/needs.js';
import { freePort } from '../support/ports.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';
import { RawConnection } from './raw.js';

const TOKEN = 'a-token-that-may-read-it';

interface Seen {
  status: number;
  headers: { [name: string]: unknown };
  certificate: PeerCertificate;
}

/** GET /v1/subscribers. Rejects when the TLS connection is refused. */
function get(gateway: GatewayProcess, authority: Authority, client?: Certificate): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const tls = { ca: readFileSync(authority.certFile), ...(client ? pemOf(client) : {}) };
    const headers = { authorization: `Bearer ${TOKEN}` };
    const options = {
      host: '127.0.0.1',
      port: gateway.ports.httpPort,
      path: '/v1/subscribers',
      headers,
      agent: false as const,
    };
    const call = request({ ...options, ...tls }, (answer) => {
      const certificate = (answer.socket as TLSSocket).getPeerCertificate();
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, certificate }));
    });
    call.on('error', reject).end();
  });
}

interface Scene {
  gateway: GatewayProcess;
  config: GatewayConfig;
  directory: string;
}

async function start(t: TestContext, certificate: Certificate, tls: object = {}): Promise<Scene> {
  const directory = scratchDirectory('gateway');
  install(directory, certificate);
  const config = await gatewayConfig({
    broker: { url: `mqtt://127.0.0.1:${await freePort()}` },
    http: {
      auth: { tokens: [{ name: 'reader', token: TOKEN, scopes: ['read'] }] },
      tls: { certFile: join(directory, 'tls.pem'), keyFile: join(directory, 'tls.key'), ...tls },
      limits: { headersTimeout: '1s', requestTimeout: '2s' },
    },
  });
  const gateway = await startGateway(config, { directory });
  t.after(() => gateway.kill());
  return { gateway, config, directory };
}

function install(directory: string, { certFile, keyFile }: Certificate): void {
  copyFileSync(certFile, join(directory, 'tls.pem'));
  copyFileSync(keyFile, join(directory, 'tls.key'));
}

describe('REST over TLS', { skip: needs('openssl') }, () => {
  it('a renewed certificate is shown to the next connection, without a restart', async (t) => {
    const authority = new Authority();
    const scene = await start(t, authority.server());
    const before = await get(scene.gateway, authority);
    assert.deepEqual([before.status, before.headers['x-content-type-options']], [200, 'nosniff']);
    install(scene.directory, authority.server());
    const renewed = async (): Promise<boolean> =>
      (await get(scene.gateway, authority)).certificate.fingerprint !== before.certificate.fingerprint;
    await until(renewed, { what: () => `the new certificate\n${scene.gateway.report}` });
    assert.deepEqual(scene.gateway.logs.find(({ changed }) => changed)?.['changed'], ['http.tls']);
  });

  it('who does not speak TLS, or says nothing, is closed', async (t) => {
    const { gateway } = await start(t, new Authority().server());
    const [plain, silent] = [0, 1].map(() => new RawConnection(gateway.ports.httpPort)) as [
      RawConnection,
      RawConnection,
    ];
    plain.write('GET /v1/link HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await plain.ended(10_000);
    await silent.ended(10_000);
    assert.equal(silent.received, '');
    assert.doesNotMatch(plain.received, /200/);
  });

  it('with clientCaFile only clients of that authority come in, and they need a token all the same', async (t) => {
    const [authority, clients, strangers] = [new Authority(), new Authority('clients'), new Authority('strangers')];
    const { gateway, config } = await start(t, authority.server(), { clientCaFile: clients.certFile });
    assert.equal((await get(gateway, authority, clients.client('app'))).status, 200);
    await assert.rejects(get(gateway, authority), /certificate|ECONNRESET|socket/i);
    await assert.rejects(get(gateway, authority, strangers.client('app')), /certificate|ECONNRESET|socket/i);
    const asked = await runDoctor(config);
    assert.equal(asked.row('gateway').state, 'skipped', asked.text);
    assert.match(asked.row('gateway').seen, /client certificate/);
  });

  it('the doctor asks over TLS, and gives its token to nobody with another certificate', async (t) => {
    const authority = new Authority();
    // For a name that it is not asked by: the doctor asks at the address.
    const { config } = await start(t, authority.server(['DNS:rest.example']));
    const seen = await runDoctor(config);
    assert.match(seen.row('gateway').seen, /link not up/, seen.text);
    const other = authority.server(['DNS:rest.example']);
    const http = { ...(config['http'] as object), tls: other };
    const refused = await runDoctor({ ...config, http });
    assert.equal(refused.row('gateway').state, 'warning', refused.text);
    assert.match(refused.row('gateway').seen, /does not show the certificate of http\.tls\.certFile/);
  });
});
