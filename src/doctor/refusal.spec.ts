import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { BrokerSettings } from '../domain/settings.js';
import { addressOf } from './address.js';
import { Probe, type Ending } from './probe.js';
import { judgeRefusal } from './refusal.js';

function judge(ending: Partial<Ending>, login: Partial<BrokerSettings> = {}, wantsTls = false) {
  const broker: BrokerSettings = { urls: [], protocol: 'auto', tls: {}, wsHeaders: {}, ...login };
  const whole = { code: 0, words: '', errors: [], systemCode: '', ...ending };
  return judgeRefusal(whole, { broker, clientId: 'gw-doctor-1', protocol: '5', wantsTls });
}

const LOGIN = { username: 'gateway', password: 'secret' };

describe('doctor: CONNECT', () => {
  it('a wrong password is named, and never shown', () => {
    for (const code of [4, 5, 0x86, 0x87]) {
      const { state, seen, mend } = judge({ code }, LOGIN);
      assert.equal(state, 'failed');
      assert.match(mend, /password.* wrong/);
      assert.match(seen, /as user "gateway"/);
      assert.doesNotMatch(seen + mend, /secret/);
    }
  });

  it('a login that is missing is asked for', () => {
    assert.match(judge({ code: 0x87 }).mend, /set broker\.username and broker\.password/);
    assert.match(judge({ code: 4 }, { username: 'gateway' }).mend, /set broker\.password/);
    assert.match(judge({ code: 5 }, { tls: { cert: 'pem' } }).mend, /client certificate/);
  });

  it('white space around a password is pointed out', () => {
    assert.match(judge({ code: 0x86 }, { username: 'gateway', password: 'secret\n' }).mend, /white space/);
    assert.doesNotMatch(judge({ code: 0x86 }, LOGIN).mend, /white space/);
  });

  it('every other code has a mend of its own, also one nobody knows', () => {
    const mends = [1, 2, 3, 0x84, 0x85, 0x89, 0x8a, 0x8c, 0x97, 0x9c, 0xf0].map((code) => judge({ code }).mend);
    assert.ok(mends.every((mend) => mend.length > 10));
    assert.ok(new Set(mends).size >= 8);
    assert.match(judge({ code: 0x85 }).mend, /"gw-doctor-1"/);
    assert.match(judge({ code: 0xf0 }).seen, /reason code 0xf0/);
  });

  it('the broker’s own words are passed on', () => {
    assert.match(judge({ code: 0x97, words: 'tenant over quota' }).seen, /saying "tenant over quota"/);
  });

  it('where the broker said nothing, what happened says it', () => {
    assert.match(judge({ systemCode: 'ECONNRESET', errors: ['x'] }).seen, /reset the connection/);
    assert.match(judge({ errors: ['Invalid header'] }).mend, /Something else than an MQTT broker/);
    assert.match(judge({}).mend, /the broker’s log/);
    assert.match(judge({}, {}, true).mend, /mqtts:\/\//);
  });

  it('a web server is called one, whatever the parser of MQTT makes of its answer', async (t) => {
    const server = createServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const address = addressOf(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const broker: BrokerSettings = { urls: [], protocol: '5', tls: {}, wsHeaders: {} };
    const more = { clientId: 'gw', clean: true, expirySeconds: 0, keepaliveSeconds: 10 };
    const ending = await Probe.open({ address, broker, protocolVersion: 5, ...more }, AbortSignal.timeout(10_000));
    assert.ok(!(ending instanceof Probe));
    const { seen, mend } = judge(ending);
    assert.match(seen, /not MQTT \(HTTP came back: a web server answers\)/);
    assert.match(mend, /check the port in broker\.url/);
  });
});
