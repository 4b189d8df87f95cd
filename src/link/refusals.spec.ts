import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cause, Diagnosis } from '../domain/cause.js';
import { MEND } from '../domain/cause.js';
import { diagnose } from './diagnosis.js';
import { NOTHING } from './evidence.fixture.js';
import type { Evidence } from './evidence.js';

type Row = [name: string, evidence: Partial<Evidence>, cause: Cause, confidence: Diagnosis['confidence']];

const NEVER_UP: Row[] = [
  ['no such host', { systemCode: 'ENOTFOUND' }, 'dns', 'certain'],
  ['the resolver is away', { systemCode: 'EAI_AGAIN' }, 'dns', 'certain'],
  ['self-signed', { systemCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'tls', 'certain'],
  ['another host', { systemCode: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'tls', 'certain'],
  ['expired', { systemCode: 'CERT_HAS_EXPIRED' }, 'tls', 'certain'],
  ['TLS to a plain port', { systemCode: 'EPROTO' }, 'tls', 'certain'],
  ['nobody listens', { systemCode: 'ECONNREFUSED' }, 'broker-unreachable', 'certain'],
  ['no route', { systemCode: 'EHOSTUNREACH' }, 'broker-unreachable', 'certain'],
  ['no CONNACK', { errors: ['connack timeout'] }, 'broker-unreachable', 'likely'],
  ['a web server', { errors: ['404'], webSocket: { stage: 'upgrading' } }, 'websocket-upgrade', 'certain'],
  [
    'hung up at the upgrade',
    { systemCode: 'ECONNRESET', webSocket: { stage: 'upgrading' } },
    'websocket-upgrade',
    'certain',
  ],
  ['reset in answer to CONNECT', { systemCode: 'ECONNRESET' }, 'broker-unreachable', 'guess'],
  ['aborted before CONNACK', { systemCode: 'ECONNABORTED' }, 'network', 'likely'],
  ['reset in the TLS handshake', { systemCode: 'ECONNRESET', securing: true }, 'tls', 'likely'],
  ['a TLS alert came back', { errors: ['Invalid header flag bits'], spoke: 'TLS' }, 'tls', 'certain'],
  ['silent in the TLS handshake', { errors: ['connack timeout'], securing: true }, 'tls', 'likely'],
  ['closed again in answer to MQTT 5', { silentRefusals: 1 }, 'protocol-version', 'guess'],
  ['reset again in answer to MQTT 5', { silentRefusals: 1, systemCode: 'ECONNRESET' }, 'protocol-version', 'guess'],
  ['closed again in answer to 3.1.1', { silentRefusals: 1, protocolVersion: 4 }, 'broker-unreachable', 'guess'],
  [
    'a web server, at a port for MQTT',
    { errors: ['Invalid header flag bits'], spoke: 'HTTP' },
    'protocol-error',
    'certain',
  ],
  ['no MQTT', { errors: ['Invalid protocol'] }, 'protocol-error', 'likely'],
  ['closed without a word', {}, 'broker-unreachable', 'guess'],
  ['3.1.1: version', { code: 1, where: 'connack', protocolVersion: 4 }, 'protocol-version', 'certain'],
  ['3.1.1: client id', { code: 2, where: 'connack', protocolVersion: 4 }, 'client-id-rejected', 'certain'],
  ['3.1.1: password', { code: 4, where: 'connack', protocolVersion: 4 }, 'bad-credentials', 'certain'],
  ['3.1.1: not authorised', { code: 5, where: 'connack', protocolVersion: 4 }, 'not-authorized', 'likely'],
  ['5: password', { code: 0x86, where: 'connack' }, 'bad-credentials', 'certain'],
  ['5: not authorized', { code: 0x87, where: 'connack' }, 'not-authorized', 'certain'],
  ['5: banned', { code: 0x8a, where: 'connack' }, 'banned', 'certain'],
  ['5: busy', { code: 0x89, where: 'connack' }, 'server-busy', 'certain'],
];

describe('diagnosis of a link that never came up', () => {
  for (const [name, evidence, cause, confidence] of NEVER_UP) {
    it(`${name}: ${cause}, ${confidence}`, () => {
      const diagnosis = diagnose({ ...NOTHING, wasUp: false, upMs: 0, ...evidence });
      assert.deepEqual([diagnosis.cause, diagnosis.confidence], [cause, confidence]);
      assert.ok(diagnosis.evidence.length > 0 && diagnosis.evidence.every((text) => text !== ''), 'evidence in words');
      assert.match(diagnosis.mend, /\.$/);
    });
  }

  it('the mend of a refusal fits what was seen', () => {
    const refusal = { ...NOTHING, wasUp: false, upMs: 0 };
    for (const more of [{ spoke: 'HTTP' as const }, { errors: ['Invalid header flag bits'] }]) {
      assert.match(diagnose({ ...refusal, ...more }).mend, /check the port in broker\.url/);
    }
    const tooOld = diagnose({ ...refusal, silentRefusals: 1 });
    assert.match(tooOld.mend, /^The broker may be too old for MQTT 5.*broker\.protocol/);
    const { mend } = diagnose({ ...refusal, code: 0x87, where: 'connack' });
    assert.match(mend, /broker\.username/);
    assert.doesNotMatch(mend, /3\.1\.1/);
    const selfSigned = { systemCode: 'DEPTH_ZERO_SELF_SIGNED_CERT', errors: ['try --use-system-ca'] };
    const tls = diagnose({ ...refusal, ...selfSigned });
    assert.match(tls.mend, /broker\.tls\.caFile/);
    assert.doesNotMatch(tls.evidence.join(), /use-system-ca/);
  });

  it('what listens at the wrong port is named without the noise of the parser, and the mend of an upgrade fits its status', () => {
    const refusal = { ...NOTHING, wasUp: false, upMs: 0 };
    for (const spoke of ['HTTP', 'TLS'] as const) {
      const { evidence } = diagnose({ ...refusal, spoke, errors: ['Invalid header flag bits'] });
      assert.doesNotMatch(evidence.join(), /Invalid/);
    }
    assert.match(diagnose({ ...refusal, spoke: 'TLS' }).mend, /mqtts:/);
    assert.match(diagnose(refusal).mend, /^If that port wants TLS, write mqtts:/);
    assert.match(diagnose({ ...refusal, silentRefusals: 1 }).mend, /wants TLS: mqtts:/);
    const upgrade = (status: number): string => {
      const errors = [`Unexpected server response: ${status}`];
      return diagnose({ ...refusal, errors, webSocket: { stage: 'upgrading' } }).mend;
    };
    assert.match(upgrade(401), /broker\.wsHeaders/);
    assert.match(upgrade(301), /Redirects are not followed/);
    assert.equal(upgrade(404), MEND['websocket-upgrade']);
  });
});
