import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OutboxEntry } from '../domain/publish.js';
import { Denials } from './denials.js';
import type { Afterwards } from './evidence.js';
import { SILENT_CLOSE } from './evidence.fixture.js';
import { entry, LIMITS, Outbox, settled, Wire } from './relay.fixture.js';
import { Relay } from './relay.js';

const DENIED_MS = 60_000;

/** A broker that refuses what is published to some topics, and hangs up right after the first of them. */
class Scene {
  now = 0;
  denied = new Set(['secret']);
  afterwards: Afterwards = { kind: 'there' };
  readonly relay: Relay;
  readonly outbox: Outbox;

  constructor(entries: OutboxEntry[]) {
    this.outbox = new Outbox(entries);
    const clock = { now: () => 0, monotonic: () => this.now };
    this.relay = new Relay(this.outbox, (error) => assert.fail(error), { clock });
  }

  /** One connection, from its begin to its end. @returns what was sent over it */
  async connect(code = 0x87): Promise<string[]> {
    const wire = new Wire();
    this.relay.begin(wire.connection, LIMITS);
    await settled();
    let refused = false;
    for (let i = 0; i < wire.sent.length && !refused; i++) {
      const { text, answer } = wire.sent[i]!;
      const { topic } = this.outbox.entries.find(({ sequence }) => String(sequence) === text)!;
      refused = this.denied.has(topic);
      answer(refused ? code : 0);
      await settled();
    }
    if (refused) {
      this.relay.end(true);
      const ended = { ...SILENT_CLOSE, refused: this.relay.refused, afterwards: this.afterwards };
      this.relay.judged(ended, 'publish-denied');
    }
    await settled();
    return wire.sent.map(({ text }) => text);
  }

  get ends(): string[] {
    const sorted = this.outbox.results.toSorted((one, other) => one.sequence - other.sequence);
    return sorted.map(({ sequence, outcome, reasonCode, cause }) => [sequence, outcome, reasonCode, cause].join(' '));
  }
}

function secrets(count: number): OutboxEntry[] {
  return Array.from({ length: count }, (_, i) => entry(i + 1, { topic: 'secret' }));
}

describe('a topic that the broker denies and hangs up for', () => {
  it('costs one link, not one for each publish that waits: the others end as the first did, unsent', async () => {
    const scene = new Scene([...secrets(4), entry(5, { topic: 'free' }), entry(6, { topic: 'secret/other' })]);
    assert.deepEqual(await scene.connect(), ['1', '2', '3', '4', '5', '6']);
    assert.deepEqual(await scene.connect(), ['5', '6']);
    const refused = (sequence: number): string => `${sequence} refused 135 publish-denied`;
    const published = ['5 published 0 ', '6 published 0 '];
    assert.deepEqual(scene.ends, [refused(1), refused(2), refused(3), refused(4), ...published]);
    assert.deepEqual(scene.relay.counters, { published: 2, refused: 4 });
  });

  it('is asked again after a minute, and at once by another login', async () => {
    const scene = new Scene(secrets(2));
    await scene.connect();
    const come = async (sequence: number): Promise<void> => {
      scene.outbox.entries.push(entry(sequence, { topic: 'secret' }));
      scene.relay.wake();
      await settled();
    };
    await scene.connect();
    scene.now = DENIED_MS - 1;
    await come(3);
    assert.match(scene.ends.at(-1)!, /^3 refused/);
    scene.now = DENIED_MS;
    scene.denied.clear();
    await come(4);
    assert.deepEqual(
      scene.relay.outstanding.map(({ sequence }) => sequence),
      [4],
    );

    const renewed = new Scene(secrets(2));
    await renewed.connect();
    renewed.relay.renew();
    assert.deepEqual(await renewed.connect(), ['2']);
  });

  it('a broker that goes away in that moment, and a refusal that may be the payload’s, tell nothing of the topic', async () => {
    const gone = new Scene(secrets(2));
    gone.afterwards = { kind: 'refused', cause: 'broker-unreachable', confidence: 'certain', orderly: false };
    await gone.connect();
    assert.deepEqual(await gone.connect(), ['2']);
    const quota = new Scene(secrets(2));
    await quota.connect(0x80);
    assert.deepEqual(await quota.connect(), ['2']);
  });

  it('is one of at most 256 that are remembered, the newest', () => {
    const denials = new Denials();
    const topics = Array.from({ length: 257 }, (_, i) => `secret/${i}`);
    for (const topic of topics) {
      denials.judged({ ...SILENT_CLOSE, refused: { topic, reasonCode: 0x87 } }, 'publish-denied', 0);
    }
    const known = topics.filter((topic) => denials.refusal(topic, 0));
    assert.deepEqual(known, topics.slice(1));
    denials.judged({ ...SILENT_CLOSE, refused: { topic: 'another', reasonCode: 0x87 } }, 'network', 0);
    assert.equal(denials.refusal('another', 0), undefined);
  });
});
