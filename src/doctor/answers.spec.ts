import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkStatus } from '../domain/link.js';
import { addressOf, tlsOptions } from './address.js';
import { judgePing } from './keepalive.js';
import { judgeKnocks } from './network.js';
import { doctorClientId } from './own-session.js';
import { judgePublish } from './publishing.js';
import { judgeSubscription, ownFilter } from './subscription.js';
import { judgeUpgrade } from './upgrade.js';

const HUNG_UP = { code: 0, words: '', errors: [], systemCode: '' };

describe('doctor: addresses', () => {
  it('are taken apart, with the usual ports', () => {
    const { host, port, secure, webSocket, path } = addressOf('wss://[::1]/mqtt?x=1');
    assert.deepEqual([host, port, secure, webSocket, path], ['::1', 443, true, true, '/mqtt?x=1']);
    assert.deepEqual(
      [addressOf('mqtt://b').port, addressOf('mqtts://b').port, addressOf('ws://b').path],
      [1883, 8883, '/'],
    );
  });

  it('no secret of TLS goes to an address without TLS', () => {
    const tls = { cert: 'c', key: 'k' };
    assert.deepEqual(tlsOptions(addressOf('mqtt://b'), tls), {});
    assert.deepEqual(tlsOptions(addressOf('mqtts://b'), tls), { ...tls, servername: 'b' });
    assert.deepEqual(tlsOptions(addressOf('mqtts://127.0.0.1'), {}), {});
  });
});

describe('doctor: client id of its own', () => {
  it('is short where short ones may be needed, and begins like the gateway’s', () => {
    assert.equal(doctorClientId('', 'abcd'), 'holdfast-doctor-abcd');
    assert.equal(doctorClientId('my-gateway-of-plant-7', 'abcd'), 'my-gateway--doctor-abcd');
    assert.ok(doctorClientId('x'.repeat(23)).length === 23);
    const long = 'tenant-4711/site-12/gateway-1';
    assert.equal(doctorClientId(long, 'abcd'), `${long}-doctor-abcd`);
  });
});

describe('doctor: TCP', () => {
  it('one dead address of several is a warning, but localhost’s other one is not', () => {
    const alive = { address: '10.0.0.1', tookMs: 1 };
    assert.equal(judgeKnocks([alive, { address: '10.0.0.2', tookMs: 1, code: 'ETIMEDOUT' }], 1883).state, 'warning');
    assert.equal(judgeKnocks([alive, { address: '::1', tookMs: 1, code: 'ECONNREFUSED' }], 1883).state, 'ok');
  });

  it('nothing listens, no answer and no route are told apart', () => {
    const judge = (code: string) => judgeKnocks([{ address: '10.0.0.2', tookMs: 1, code }], 1883);
    assert.match(judge('ECONNREFUSED').seen, /10\.0\.0\.2:1883 refuses: nothing listens/);
    assert.match(judge('ETIMEDOUT').mend, /firewall/);
    assert.match(judge('EHOSTUNREACH').seen, /no route/);
  });
});

describe('doctor: WebSocket upgrade', () => {
  it('answers other than 101 are told apart', () => {
    const mend = (status: number, more = {}): string =>
      judgeUpgrade({ status, keyAnswered: true, ...more }, '/x', false).mend;
    assert.match(mend(404), /Mend the path/);
    assert.match(mend(403), /broker\.wsHeaders/);
    assert.match(mend(302, { location: 'https://login' }), /Redirects are not followed/);
    assert.match(mend(502), /behind it/);
    assert.match(mend(200), /does not take WebSockets/);
  });

  it('101 counts only with the subprotocol and the answer to the key', () => {
    const judge = (subprotocol: string | undefined, keyAnswered = true): string =>
      judgeUpgrade({ status: 101, keyAnswered, subprotocol }, '/', false).state;
    assert.equal(judge('mqtt'), 'ok');
    for (const wrong of [judge(undefined), judge('chat'), judge('mqtt', false)]) assert.equal(wrong, 'failed');
  });
});

describe('doctor: subscriptions', () => {
  const asked = { name: 'telemetry', filter: 'devices/+/telemetry', qos: 1 as const, overlap: 'refuse' as const };
  const judge = (code: number | typeof HUNG_UP, gateway?: Partial<LinkStatus>) =>
    judgeSubscription(code, asked, { filter: asked.filter, user: 'gw', gateway: gateway as LinkStatus | undefined });

  it('a refusal, a hang-up and less QoS than asked are found', () => {
    assert.match(judge(0x87).seen, /denied: Not authorized \(0x87\)/);
    assert.match(judge(0x80).mend, /Let user "gw" subscribe to devices/);
    assert.match(judge(HUNG_UP).seen, /closed the connection without a word/);
    assert.equal(judge(0).state, 'warning');
    assert.equal(judge(1).state, 'ok');
    for (const code of [0x8f, 0x97, 0x9e, 0xa2]) assert.doesNotMatch(judge(code).mend, /Let user/);
  });

  it('the gateway’s own experience counts more than the doctor’s', () => {
    assert.equal(judge(0x87, { subscribed: ['telemetry'], denied: {} }).state, 'warning');
    assert.match(judge(1, { subscribed: [], denied: { telemetry: 0x87 } }).seen, /denied to the gateway/);
    assert.match(judge(1, { subscribed: [], denied: { telemetry: null } }).seen, /gateway: the broker hung up on it/);
  });

  it('takes nothing away from the group of the gateways', () => {
    assert.equal(ownFilter('$share/gw/a/#', 'gw-doctor-1'), '$share/gw-doctor-1/a/#');
    assert.equal(ownFilter('a/#', 'gw-doctor-1'), 'a/#');
    assert.equal(ownFilter('$share/gw/a', 'a/b+#'), '$share/a_b__/a');
  });
});

describe('doctor: publish and keepalive', () => {
  it('a refused publish, a hang-up, and 3.1.1, which has no word for it', () => {
    assert.match(judgePublish(0x87, 't', 5, 'gw').seen, /refused: Not authorized/);
    assert.match(judgePublish(HUNG_UP, 't', 4, undefined).mend, /hang up on a publish/);
    assert.equal(judgePublish(0x10, 't', 5, 'gw').state, 'ok');
    assert.match(judgePublish(0, 't', 4, 'gw').seen, /next row tells/);
  });

  it('a slow answer is a warning, and the broker’s own keepalive is told', () => {
    assert.equal(judgePing(3, 30_000, undefined).state, 'ok');
    assert.equal(judgePing(2_000, 30_000, undefined).state, 'warning');
    assert.match(judgePing(3, 30_000, 60).seen, /keepalive 60 s \(set by the broker, not the 30 s/);
  });
});
