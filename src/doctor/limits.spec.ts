import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QoS } from '../domain/message.js';
import type { Settings } from '../domain/settings.js';
import { judgeExpiry, judgeLimits, type SaidLimits } from './limits.js';

type Needs = Pick<Settings, 'session' | 'subscriptions' | 'publish'>;

function needs(more: { allow?: string[]; filters?: string[]; qos?: QoS; maxPacketBytes?: number } = {}): Needs {
  const { allow = [], filters = ['plain'], qos = 1, maxPacketBytes = 65_536 } = more;
  return {
    session: { maxPacketBytes } as Settings['session'],
    subscriptions: filters.map((filter, i) => ({ name: `s${i}`, filter, qos, overlap: 'refuse' as const })),
    publish: { allow, maxPayloadBytes: 262_144, waitMs: 0, checkWaitMs: 0 },
  };
}

const judge = (said: SaidLimits, wanted: Needs = needs()) => judgeLimits(said, wanted, '5');

describe('doctor: broker limits', () => {
  it('a limit that nobody needs to pass is no warning', () => {
    const said = {
      maximumPacketSize: 65_536,
      maximumQoS: 1,
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      sharedSubscriptionAvailable: false,
      receiveMaximum: 1,
    };
    const { state, seen, mend } = judge(said);
    assert.deepEqual([state, mend], ['ok', '']);
    assert.equal(
      seen,
      'receive maximum 1, packets up to 64 KiB, QoS up to 1, retain not available, wildcards not available, shared subscriptions not available',
    );
  });

  it('filters the broker does not take are named', () => {
    const filters = ['a/+', '$share/g/b', '$share/g/c/#'];
    const wild = judge({ wildcardSubscriptionAvailable: false }, needs({ filters }));
    assert.equal(wild.state, 'warning');
    assert.match(wild.seen, /^wildcards are not available, s0, s2 need them/);
    const shared = judge({ sharedSubscriptionAvailable: false }, needs({ filters }));
    assert.match(shared.seen, /^shared subscriptions are not available, s1, s2 need them/);
  });

  it('sizes: what REST takes, and what devices may send', () => {
    const rest = judge({ maximumPacketSize: 100_000 }, needs({ allow: ['#'] }));
    assert.match(rest.seen, /payloads up to 256 KiB \(publish\.maxPayload\), the broker packets up to 97\.7 KiB/);
    const devices = judge({ maximumPacketSize: 1_024 });
    assert.match(devices.seen, /session\.maxPacket is 64 KiB/);
    assert.equal(devices.state, 'warning');
  });

  it('QoS: subscriptions and publishes that want more', () => {
    assert.match(judge({ maximumQoS: 1 }, needs({ qos: 2 })).seen, /QoS up to 1, s0 wants more/);
    const none = judge({ maximumQoS: 0 }, needs({ allow: ['#'], filters: ['a', 'b', 'c', 'd'] }));
    assert.match(none.seen, /s0, s1, s2 and 1 more want more/);
    assert.match(none.seen, /publishes through REST/);
  });

  it('publishing: retain and a window of next to nothing', () => {
    const { state, seen } = judge({ retainAvailable: false, receiveMaximum: 2 }, needs({ allow: ['#'] }));
    assert.equal(state, 'warning');
    assert.match(seen, /retain: true will be refused/);
    assert.match(seen, /only 2 publishes at once/);
  });

  it('MQTT 3.1.1 has no word for limits', () => {
    assert.equal(judgeLimits({}, needs(), '3.1.1').state, 'skipped');
  });

  it('a shortened expiry is a warning', () => {
    assert.equal(judgeExpiry(3_600, undefined), undefined);
    assert.equal(judgeExpiry(3_600, 3_600), undefined);
    assert.match(judgeExpiry(86_400, 3_600)!.seen, /for 60 min, not for 24 h as session\.expiry asks/);
  });
});
