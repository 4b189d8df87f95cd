import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SILENT_CLOSE } from './evidence.fixture.js';
import type { CloseEvidence } from './connection.js';
import { Dial } from './dial.js';

const URLS = ['mqtt://a', 'mqtts://b', 'ws://c/mqtt'];
const SILENT: CloseEvidence = { ...SILENT_CLOSE, wasUp: false };

describe('dial', () => {
  it('stays on an address that works, moves on when it fails, and comes around', () => {
    const dial = new Dial({ urls: URLS, protocol: '5' });
    dial.accepted();
    assert.equal(dial.url, 'mqtt://a');
    for (const url of ['mqtts://b', 'ws://c/mqtt', 'mqtt://a']) {
      dial.refused('broker-unreachable', { ...SILENT, systemCode: 'ECONNREFUSED' });
      assert.equal(dial.url, url);
    }
  });

  it('auto: falls back to 3.1.1 at the same address when the broker says so', () => {
    const dial = new Dial({ urls: URLS, protocol: 'auto' });
    dial.refused('protocol-version', { ...SILENT, code: 1, where: 'connack' });
    assert.deepEqual([dial.url, dial.protocolVersion], ['mqtt://a', 4]);
  });

  it('auto: one close without a word may be a restart, two in a row are a broker that does not know MQTT 5', () => {
    const dial = new Dial({ urls: ['mqtt://a'], protocol: 'auto' });
    dial.refused('broker-unreachable', SILENT);
    assert.deepEqual([dial.protocolVersion, dial.silentRefusals], [5, 1]);
    dial.refused('protocol-version', SILENT);
    assert.equal(dial.protocolVersion, 4);
  });

  it('auto: a broker that has taken MQTT 5 is not asked for less when it restarts', () => {
    const dial = new Dial({ urls: ['mqtt://a'], protocol: 'auto' });
    dial.accepted();
    for (let i = 0; i < 5; i++) dial.refused('broker-unreachable', SILENT);
    assert.deepEqual([dial.protocolVersion, dial.silentRefusals], [5, 0]);
  });

  it('auto: a version that was never taken is asked for again', () => {
    const dial = new Dial({ urls: ['mqtt://a'], protocol: 'auto' });
    dial.refused('protocol-version', { ...SILENT, code: 0x84, where: 'connack' });
    dial.refused('broker-unreachable', { ...SILENT, systemCode: 'ECONNREFUSED' });
    assert.equal(dial.protocolVersion, 5);
  });

  it('a version that was asked for in words is kept', () => {
    for (const [protocol, version] of [
      ['5', 5],
      ['3.1.1', 4],
    ] as const) {
      const dial = new Dial({ urls: ['mqtt://a'], protocol });
      for (let i = 0; i < 3; i++) dial.refused('protocol-version', SILENT);
      assert.equal(dial.protocolVersion, version);
    }
  });
});
