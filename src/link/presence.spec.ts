import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { PresenceProblem } from '../domain/link.js';
import type { BrokerLimits, CloseEvidence } from './connection.js';
import { Presence, type PresencePort } from './presence.js';

const WILL = { topic: 'status', payload: 'offline', qos: 1, retain: true, delaySeconds: 0 } as const;
const BIRTH = { topic: 'status', payload: 'online', qos: 1, retain: true } as const;
const LIMITS: BrokerLimits = {
  sessionPresent: true,
  receiveMaximum: 20,
  maximumPacketBytes: Infinity,
  maximumQoS: 2,
  retainAvailable: true,
  wildcardAvailable: true,
  sharedAvailable: true,
  keepaliveSeconds: undefined,
};
const REFUSED: CloseEvidence = {
  code: 0x87,
  where: 'connack',
  errors: [],
  systemCode: undefined,
  wasUp: false,
  ended: undefined,
};
const DROPPED: CloseEvidence = { ...REFUSED, code: 0, where: 'close', wasUp: true };
const MINUTE = 60_000;

class Port implements PresencePort {
  readonly sent: { qos: number; retain: boolean; text: string }[] = [];
  answer: ((code: number) => void) | undefined;
  pong: (() => void) | undefined;

  publish: PresencePort['publish'] = ({ qos, retain, payload }, settled) => {
    this.sent.push({ qos, retain, text: payload.toString() });
    this.answer = settled;
  };

  ping: PresencePort['ping'] = (answered) => (this.pong = answered);
}

function presence(settings: ConstructorParameters<typeof Presence>[0] = { will: WILL, birth: BIRTH }) {
  const problems: PresenceProblem[] = [];
  const clock = { at: 0, monotonic: () => clock.at };
  return { one: new Presence(settings, (problem) => void problems.push(problem), clock), problems, clock };
}

/** One connect that is refused. @returns whether it went with the will */
function refusedConnect(one: Presence, evidence = REFUSED): boolean {
  const carried = one.nextWill() !== undefined;
  one.closed(evidence);
  return carried;
}

describe('birth message', () => {
  it('denied: told, and the outbox follows', () => {
    const { one, problems } = presence();
    const port = new Port();
    let begun = 0;
    one.announce(port, LIMITS, () => void begun++);
    assert.deepEqual([port.sent, begun], [[{ qos: 1, retain: true, text: 'online' }], 0]);
    port.answer!(0x87);
    assert.equal(begun, 1);
    assert.match(problems[0]!.problem, /0x87/);
  });

  it('hung up on three times in a row: left out for ten minutes, and no publish is blamed for it', () => {
    const { one, problems, clock } = presence();
    const connect = (): { sent: boolean; begun: boolean } => {
      const port = new Port();
      let begun = false;
      one.announce(port, LIMITS, () => (begun = true));
      one.closed(DROPPED);
      return { sent: port.sent.length > 0, begun };
    };
    for (let i = 0; i < 3; i++) assert.deepEqual(connect(), { sent: true, begun: false });
    assert.equal(problems.length, 1);
    assert.deepEqual(connect(), { sent: false, begun: true });
    clock.at += 10 * MINUTE;
    assert.deepEqual(connect(), { sent: true, begun: false });
    assert.deepEqual(connect(), { sent: false, begun: true });
    one.renew();
    assert.deepEqual(connect(), { sent: true, begun: false }, 'another login may be allowed to');
  });

  it('never answered: the outbox follows, with room for one less', (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { one, problems } = presence();
    const port = new Port();
    let left = 0;
    one.announce(port, LIMITS, ({ receiveMaximum }) => (left = receiveMaximum));
    t.mock.timers.tick(5_000);
    assert.deepEqual([left, problems.length], [19, 1]);
    port.answer!(0);
    assert.equal(left, 19, 'an answer that comes later changes nothing');
  });

  it('a connection that ends under it: the outbox does not follow there', (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { one } = presence();
    const port = new Port();
    one.announce(port, LIMITS, () => assert.fail('the connection is gone'));
    one.closed(DROPPED);
    port.answer!(0);
    t.mock.timers.tick(5_000);
  });

  it('what the broker would hang up on is not sent, and what it can do only so is sent so', () => {
    const { one, problems } = presence();
    const sent = (limits: Partial<BrokerLimits>): Port['sent'] => {
      const port = new Port();
      let begun = false;
      one.announce(port, { ...LIMITS, ...limits }, () => (begun = true));
      port.pong?.();
      port.answer?.(0);
      assert.equal(begun, true);
      return port.sent;
    };
    assert.deepEqual(sent({ retainAvailable: false }), []);
    assert.deepEqual(sent({ maximumPacketBytes: 20 }), []);
    assert.equal(problems.length, 2);
    assert.equal(sent({ maximumQoS: 0 })[0]!.qos, 0);
    assert.equal(sent({ receiveMaximum: 1 })[0]!.qos, 0);
    assert.equal(sent({})[0]!.qos, 1);
  });

  it('with QoS 0 the answer to a ping tells that the broker took it', () => {
    const { one } = presence({ birth: { ...BIRTH, qos: 0 } });
    const port = new Port();
    let begun = 0;
    one.announce(port, LIMITS, () => void begun++);
    port.answer!(0);
    assert.equal(begun, 0, 'written is not taken');
    port.pong!();
    assert.equal(begun, 1);
  });
});

describe('will', () => {
  it('a broker that says that it is the will is not asked again', () => {
    for (const code of [0x90, 0x99, 0x9a, 0x9b]) {
      const { one, problems } = presence();
      assert.equal(refusedConnect(one, { ...REFUSED, code }), true);
      assert.equal(one.nextWill(), undefined);
      assert.equal(problems[0]!.message, 'will');
    }
  });

  it('a refusal that may be because of the will: every third connect goes without it', () => {
    for (const evidence of [REFUSED, { ...REFUSED, code: 5 }, { ...DROPPED, wasUp: false }]) {
      const { one, problems } = presence();
      const connects = Array.from({ length: 7 }, () => refusedConnect(one, evidence));
      assert.deepEqual(connects, [true, true, false, true, true, false, true]);
      assert.deepEqual(problems, []);
    }
  });

  it('taken without it twice, right after refusing it: denied; once could be chance', () => {
    const { one, problems } = presence();
    for (let i = 0; i < 2; i++) {
      assert.deepEqual([refusedConnect(one), refusedConnect(one)], [true, true]);
      assert.equal(one.nextWill(), undefined);
      one.accepted();
      one.closed(DROPPED);
    }
    assert.equal(problems.length, 2);
    assert.equal(one.nextWill(), undefined);
    one.renew();
    assert.deepEqual(one.nextWill(), WILL);
    one.accepted();
    one.closed(DROPPED);
    assert.deepEqual(one.nextWill(), WILL);
  });

  it('a broker that is away, or refuses for another reason, keeps the will', () => {
    const { one } = presence();
    const reasons: CloseEvidence[] = [
      { ...REFUSED, code: 0x86 },
      { ...REFUSED, code: 0x89 },
      { ...REFUSED, code: 0, where: 'close', systemCode: 'ECONNREFUSED', errors: ['connect'] },
      { ...REFUSED, code: 0, where: 'close', errors: ['connack timeout'] },
    ];
    for (const evidence of [...reasons, ...reasons]) assert.equal(refusedConnect(one, evidence), true);
  });

  it('stopping: MQTT 3.1.1 publishes it first, and waits for no broker for long', async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { one } = presence();
    const port = new Port();
    one.nextWill();
    one.accepted();
    await one.farewell(port, 5);
    assert.deepEqual(port.sent, [], 'the DISCONNECT of MQTT 5 says it');
    const answered = one.farewell(port, 4);
    assert.deepEqual(port.sent, [{ qos: 1, retain: true, text: 'offline' }]);
    port.answer!(0);
    await answered;
    const silent = one.farewell(port, 4);
    t.mock.timers.tick(1_000);
    await silent;
  });

  it('without one configured, or left out, nothing is said at the end', async () => {
    const { one } = presence({});
    assert.equal(one.nextWill(), undefined);
    const denied = presence().one;
    refusedConnect(denied, { ...REFUSED, code: 0x9a });
    assert.equal(denied.nextWill(), undefined);
    const port = new Port();
    for (const silent of [one, denied]) await silent.farewell(port, 4);
    assert.deepEqual(port.sent, []);
  });
});
