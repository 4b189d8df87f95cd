import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressKind, canonicalAddress, networkOf, type AddressKind } from './address.js';

const KINDS: { [kind in AddressKind]: string[] } = {
  public: ['8.8.8.8', '1.1.1.1', '172.32.0.1', '192.169.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'],
  private: [
    ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '198.18.0.1'],
    ...['fd12:3456::1', 'fc00::1', '::ffff:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:FFFF:0A00:0001', '64:ff9b::10.0.0.1'],
    ...['2002:a00:1::', '2002:c0a8:101::1', '::10.0.0.1'],
  ],
  loopback: [
    ...['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '[::1]', '::ffff:127.0.0.1', '::ffff:7f00:1'],
    ...['64:ff9b::7f00:1', '2002:7f00:1::', '::127.0.0.1'],
  ],
  never: [
    ...['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0', '169.254.169.254', '169.254.0.1', '::ffff:169.254.169.254'],
    ...['::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1', '::169.254.169.254', 'fe80::1', 'fe80::1%eth0'],
    ...['febf::1', 'fec0::1', 'fd00:ec2::254', 'FD00:0EC2::254', 'fd20:ce::254', '100.100.100.200', '168.63.129.16'],
    ...['192.0.0.192', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', 'ff02::1', '2001::1', '100::1'],
    ...['64:ff9b:1::1', '', 'localhost', '10.0.0', '10.0.0.1.', '0x7f.0.0.1', '010.0.0.1', '1.2.3.4.5', ':::'],
  ],
};

describe('addresses', () => {
  for (const [kind, addresses] of Object.entries(KINDS)) {
    it(`${kind}: however they are written`, () => {
      for (const address of addresses) assert.equal(addressKind(address), kind, address);
    });
  }

  it('have one spelling each', () => {
    const spellings = {
      '10.0.0.1': ['10.0.0.1', '::ffff:10.0.0.1', '[::FFFF:A00:1]', '0:0:0:0:0:ffff:a00:1'],
      'fd00::1': ['fd00::1', 'FD00:0:0:0:0:0:0:1', '[fd00::0001]', 'fd00::1%en0'],
    };
    for (const [one, others] of Object.entries(spellings)) {
      for (const other of others) assert.equal(canonicalAddress(other), one);
    }
    for (const none of ['', 'a', '1.2.3', '::g', '[]', 'localhost']) assert.equal(canonicalAddress(none), undefined);
  });

  it('networks hold what they say, to the bit', () => {
    const ten = networkOf('10.0.0.0/8')!;
    assert.deepEqual([ten.check('10.255.0.1', 'ipv4'), ten.check('11.0.0.0', 'ipv4')], [true, false]);
    assert.equal(networkOf('fd00::/8')!.check('fdff::1', 'ipv6'), true);
    assert.equal(networkOf('10.1.2.3')!.check('10.1.2.4', 'ipv4'), false);
    const wrong = [
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0.0/',
      '10.0.0.0/-1',
      '10.0.0/8',
      'a/8',
      '/8',
      '::ffff:10.0.0.0/8',
    ];
    for (const text of wrong) assert.equal(networkOf(text), undefined, text);
  });
});
