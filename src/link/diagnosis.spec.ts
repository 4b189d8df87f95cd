import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cause } from '../domain/cause.js';
import type { CloseEvidence } from './connection.js';
import { causeOfCode, diagnose } from './diagnosis.js';

const NOTHING: CloseEvidence = {
  code: 0,
  where: 'close',
  errors: [],
  systemCode: undefined,
  wasUp: false,
  ended: undefined,
};

const TABLE: [string, Partial<CloseEvidence>, Cause][] = [
  ['we stopped', { ended: 'stop', wasUp: true }, 'requested'],
  ['the broker fell silent', { ended: 'keepalive', wasUp: true }, 'keepalive-timeout'],
  ['session taken over', { code: 0x8e, where: 'disconnect', wasUp: true }, 'client-id-conflict'],
  ['shutting down', { code: 0x8b, where: 'disconnect', wasUp: true }, 'broker-shutdown'],
  ['3.1.1: bad user name or password', { code: 4, where: 'connack' }, 'bad-credentials'],
  ['3.1.1: not authorised', { code: 5, where: 'connack' }, 'not-authorized'],
  [
    'a code outranks the socket error behind it',
    { code: 0x95, systemCode: 'ECONNRESET', wasUp: true },
    'packet-too-large',
  ],
  ['no such host', { systemCode: 'ENOTFOUND' }, 'dns'],
  ['self-signed certificate', { systemCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'tls'],
  ['nobody listens', { systemCode: 'ECONNREFUSED' }, 'broker-unreachable'],
  [
    'hung up on while asking for a WebSocket',
    { systemCode: 'ECONNRESET', webSocket: { stage: 'upgrading' } },
    'websocket-upgrade',
  ],
  ['reset while up', { systemCode: 'ECONNRESET', wasUp: true }, 'network'],
  ['closed without a word while up', { wasUp: true }, 'network'],
  ['closed without a word before CONNACK', {}, 'broker-unreachable'],
];

describe('diagnosis', () => {
  for (const [name, evidence, cause] of TABLE) {
    it(`${name}: ${cause}`, () => {
      const diagnosis = diagnose({ ...NOTHING, ...evidence });
      assert.equal(diagnosis.cause, cause);
      assert.notEqual(diagnosis.evidence.length, 0, 'there is evidence in words');
      assert.notEqual(diagnosis.mend, '', 'there is a mend');
    });
  }

  it('a code that no specification has is unknown', () => {
    assert.equal(causeOfCode(0xff), 'unknown');
  });
});
