import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowEntryProblem, AllowList, destinationOf } from './allow-list.js';

/** Whether the URL, found at this address, may be sent to. */
function allows(entries: string[], url: string, address?: string): boolean {
  const destination = destinationOf(new URL(url));
  return new AllowList(entries).refusal(destination, address ?? destination.host) === undefined;
}

describe('an entry', () => {
  it('is a host, all hosts under one, an address or a network', () => {
    const good = ['a', 'Billing.Apps.svc', '*.apps.svc.cluster.local', 'localhost:3000', '10.0.0.0/8', '10.1.2.3:80'];
    const more = ['fd00::/8', 'fd00::1', '[fd00::1]', '[fd00::1]:8080', 'a_b.c', 'xn--bcher-kva.example', 'a.'];
    for (const entry of [...good, ...more]) assert.equal(allowEntryProblem(entry), undefined, entry);
    const bad = [
      '',
      '*',
      '*.',
      '**.a',
      'a.*.b',
      '*a.b',
      'http://a',
      'a/b',
      'a:0',
      'a:65536',
      'a:x',
      ' a',
      'a b',
      '-a',
      'a..b',
    ];
    const numbers = [
      '0x7f.1',
      '2130706433',
      '127.1',
      '10.0.0.0/33',
      '10.0.0.0/8:80',
      '[fd00::1',
      'user@a',
      'a?b',
      'é.x',
    ];
    for (const entry of [...bad, ...numbers, 'a'.repeat(300)]) assert.ok(allowEntryProblem(entry), entry);
  });
});

describe('what is allowed', () => {
  it('nothing, by an empty list', () => {
    assert.equal(allows([], 'http://10.0.0.1/'), false);
    assert.equal(allows([], 'http://app/', '10.0.0.1'), false);
  });

  it('a name is the whole name, in any case, with a dot at its end or without', () => {
    const list = ['app.svc', '*.apps.svc'];
    for (const host of ['app.svc', 'APP.svc', 'app.svc.', 'a.apps.svc', 'a.b.apps.svc', 'a.apps.svc.']) {
      assert.equal(allows(list, `http://${host}/`, '10.0.0.1'), true, host);
    }
    for (const host of ['app.svc.evil', 'xapp.svc', 'a.app.svc', 'apps.svc', 'aapps.svc', 'evil-apps.svc', 'svc']) {
      assert.equal(allows(list, `http://${host}/`, '10.0.0.1'), false, host);
    }
  });

  it('a port, when one is given', () => {
    assert.equal(allows(['app:3000'], 'http://app:3000/', '10.0.0.1'), true);
    assert.equal(allows(['app:3000'], 'http://app/', '10.0.0.1'), false);
    assert.equal(allows(['app:443'], 'https://app/', '10.0.0.1'), true);
    assert.equal(allows(['app:80'], 'http://app/', '10.0.0.1'), true);
    assert.equal(allows(['10.0.0.1:80'], 'http://10.0.0.1:81/'), false);
    assert.equal(allows(['[::1]:80'], 'http://[::1]/'), true);
  });

  it('a network: addresses in it, and names that lead into it', () => {
    assert.equal(allows(['10.0.0.0/8'], 'http://10.1.2.3:8080/'), true);
    assert.equal(allows(['10.0.0.0/8'], 'http://11.1.2.3/'), false);
    assert.equal(allows(['10.0.0.0/8'], 'http://app/', '10.1.2.3'), true);
    assert.equal(allows(['10.0.0.0/8'], 'http://app/', '8.8.8.8'), false);
    assert.equal(allows(['10.0.0.0/8'], 'http://[::ffff:10.0.0.1]/'), true);
    assert.equal(allows(['*.3'], 'http://10.1.2.3/'), false, 'an address is no name');
  });

  it('private addresses by name; loopback only as localhost, or when the list has the address', () => {
    assert.equal(allows(['app'], 'http://app/', '192.168.0.1'), true);
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      assert.equal(allows(['app'], 'http://app/', address), false, address);
      assert.equal(allows(['localhost'], 'http://localhost/', address), true, address);
      assert.equal(allows(['app', '127.0.0.0/8', '::1'], 'http://app/', address), true, address);
    }
    assert.equal(allows(['*.localhost'], 'http://a.localhost/', '127.0.0.1'), false);
  });

  it('never link-local, metadata, unspecified or multicast addresses, whatever the list has', () => {
    const everything = ['0.0.0.0/0', '::/0', '169.254.0.0/16', '169.254.169.254', 'fe80::/10', 'app', '*.app'];
    const spellings = ['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518'];
    const mapped = ['[::ffff:169.254.169.254]', '[::ffff:a9fe:a9fe]', '[64:ff9b::a9fe:a9fe]', '[fe80::1]'];
    for (const host of [
      ...spellings,
      ...mapped,
      '[fd00:ec2::254]',
      '100.100.100.200',
      '0.0.0.0',
      '0',
      '[::]',
      '224.0.0.1',
    ]) {
      assert.equal(allows(everything, `http://${host}/`), false, host);
      const { host: address } = destinationOf(new URL(`http://${host}/`));
      assert.equal(allows(everything, 'http://app/', address), false, `app at ${address}`);
    }
    assert.equal(allows(everything, 'http://8.8.8.8/'), true);
  });

  it('other spellings of a loopback address are that address', () => {
    for (const host of [
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '127.1',
      '127.0.0.1.',
      '[::ffff:7f00:1]',
      '１27.0.0.1',
    ]) {
      assert.equal(allows(['10.0.0.0/8', 'localhost'], `http://${host}/`), false, host);
    }
  });
});
