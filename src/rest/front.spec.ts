import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { refusalOf, type FrontSettings } from './front.js';

const OPEN: FrontSettings = { host: 'gateway.internal', allowedHosts: ['holdfast.apps.svc'], tokens: false };
const GUARDED: FrontSettings = { host: '0.0.0.0', allowedHosts: [], tokens: true };

interface Asked {
  method?: string;
  url?: string;
  hosts?: string[];
  origin?: string | undefined;
  site?: string;
  mode?: string;
}

/** The code it is refused with; undefined: it is not. */
function refused(
  { method = 'GET', url = '/', hosts = ['127.0.0.1:8080'], origin, site, mode }: Asked,
  settings = OPEN,
): string | undefined {
  const rawHeaders = hosts.flatMap((host, i) => [i % 2 ? 'HOST' : 'Host', host]);
  const headers = { host: hosts[0], origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode };
  return refusalOf({ method, url, rawHeaders, headers } as unknown as IncomingMessage, settings)?.code;
}

describe('before anything is routed', () => {
  it('the target is a path: no absolute form, no asterisk, no authority', () => {
    for (const url of ['http://127.0.0.1:8080/v1/link', 'http:///v1/link', '*', 'v1/link', '127.0.0.1:80', '', '?a']) {
      for (const settings of [OPEN, GUARDED]) assert.equal(refused({ url }, settings), 'REQUEST_INVALID', url);
    }
  });

  it('there is one Host, and it is a host', () => {
    for (const hosts of [
      [],
      ['localhost', 'localhost'],
      ['localhost', 'evil.example'],
      [''],
      ['a b'],
      ['user@localhost'],
    ]) {
      for (const settings of [OPEN, GUARDED])
        assert.equal(refused({ hosts }, settings), 'REQUEST_INVALID', String(hosts));
    }
    for (const host of [
      'localhost/',
      'localhost?',
      'localhost#',
      'localhost:80:80',
      '[localhost]',
      'localhost:a',
      'a\\b@c',
    ]) {
      assert.equal(refused({ hosts: [host] }), 'REQUEST_INVALID', host);
    }
  });

  it('without tokens only addresses, localhost and names that the configuration has are answered', () => {
    for (const host of [
      '127.0.0.1',
      '192.168.0.7:8080',
      '[::1]:8080',
      '[::1]',
      'localhost',
      'LocalHost:8080',
      'localhost.',
    ]) {
      assert.equal(refused({ hosts: [host] }), undefined, host);
    }
    for (const host of ['holdfast.apps.svc', 'HOLDFAST.apps.svc.:80', 'gateway.internal']) {
      assert.equal(refused({ hosts: [host] }), undefined, host);
    }
    for (const host of [
      'evil.example',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      'xlocalhost',
      '127.1',
      '2130706433',
    ]) {
      assert.equal(refused({ hosts: [host] }), 'HOST_FORBIDDEN', host);
      assert.equal(refused({ hosts: [host] }, GUARDED), undefined, host);
      assert.equal(refused({ hosts: [host] }, { ...GUARDED, allowedHosts: ['a'] }), 'HOST_FORBIDDEN', host);
    }
  });

  it('without tokens a web page of another origin may read what browsers let it, and change nothing', () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
      for (const origin of [undefined, 'http://127.0.0.1:8080']) assert.equal(refused({ method, origin }), undefined);
    }
    for (const origin of ['http://evil.example', 'http://127.0.0.1:9', 'https://127.0.0.1', 'null', '', '://']) {
      assert.equal(refused({ origin }), undefined);
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        assert.equal(refused({ method, origin }), 'FORBIDDEN', `${method} ${origin}`);
        assert.equal(refused({ method, origin }, GUARDED), undefined);
      }
    }
  });

  it('what a browser sends for a page of another site changes nothing, with or without tokens', () => {
    for (const settings of [OPEN, GUARDED]) {
      assert.equal(refused({ method: 'POST', site: 'cross-site' }, settings), 'FORBIDDEN');
      assert.equal(refused({ method: 'GET', site: 'cross-site', mode: 'navigate' }, settings), undefined);
      assert.equal(refused({ method: 'POST', site: 'same-origin' }, settings), undefined);
      assert.equal(refused({ method: 'POST', site: 'none' }, settings), undefined);
    }
  });

  it('without tokens, a page of another site may lead here, and fetch nothing: it would hold streams open', () => {
    for (const method of ['GET', 'HEAD']) {
      assert.equal(refused({ method, site: 'cross-site', mode: 'no-cors' }), 'FORBIDDEN');
      assert.equal(refused({ method, site: 'cross-site' }), 'FORBIDDEN');
      assert.equal(refused({ method, site: 'cross-site', mode: 'no-cors' }, GUARDED), undefined);
      assert.equal(refused({ method, site: 'same-origin', mode: 'cors' }), undefined);
    }
  });
});
