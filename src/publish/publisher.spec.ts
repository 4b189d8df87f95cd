import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Caller } from '../domain/caller.js';
import { MEND } from '../domain/cause.js';
import { HoldfastError, type ErrorCode } from '../domain/errors.js';
import type { JournalReader } from '../domain/journal.js';
import type { KeptRequest, Publish, PublishResult } from '../domain/publish.js';
import { PUBLISHES_IN_FLIGHT, type PublishSettings } from '../domain/settings.js';
import type { AskedOnce } from './kept-requests.js';
import { Publisher, type PublishAnswer } from './publisher.js';

const WAIT_MS = 5_000;
const KEY: AskedOnce = { caller: 'app', key: 'k', digest: 'd' };
const WANTED = { topic: 'commands/a', payload: Buffer.from('x'), qos: 1 as const, retain: false, properties: null };

/** A publisher over an outbox that the test answers for. */
class Desk {
  readonly accepted: Publish[] = [];
  readonly told: string[] = [];
  readonly kept = new Map<string, KeptRequest>();
  readonly publisher: Publisher;
  /** What its contract says of each publish. */
  checking: Promise<void> | undefined;
  /** How each publish stands in the journal. */
  stands = (id: string): ReturnType<JournalReader['publishStatus']> => {
    const known = this.accepted.find((one) => one.id === id);
    return known && { status: 'refused', result: this.result(known, { outcome: 'refused', reasonCode: 0x87 }) };
  };
  /** Set: what the next accept rejects with. */
  fault: Error | undefined;
  /** Runs before an accept resolves. */
  accepting: (publish: Publish) => void | Promise<void> = () => undefined;
  #nowMs = 0;

  constructor(settings: Partial<PublishSettings> = {}) {
    this.publisher = new Publisher({
      settings: { allow: ['commands/#'], maxPayloadBytes: 100, waitMs: WAIT_MS, checkWaitMs: 0, ...settings },
      outbox: {
        accept: async ({ publishes, kept }) => {
          if (this.fault) throw this.fault;
          for (const publish of publishes) await this.accepting(publish);
          if (kept) this.kept.set(`${kept.caller} ${kept.key}`, kept);
          this.accepted.push(...publishes);
        },
        keepAnswer: ({ caller, key }, answers) => {
          this.kept.get(`${caller} ${key}`)!.answers = answers;
          return Promise.resolve();
        },
      },
      contracts: { check: () => this.checking },
      reader: {
        publishStatus: (id) => this.stands(id),
        keptRequest: ({ caller, key }) => this.kept.get(`${caller} ${key}`),
      },
      clock: { now: () => Date.UTC(2026, 0, 31), monotonic: () => this.#nowMs++ },
      observe: (outcome, seconds) => this.told.push(seconds === undefined ? outcome : `${outcome} ${seconds > 0}`),
    });
  }

  result({ id }: Pick<Publish, 'id'>, changes: Partial<PublishResult> = {}): PublishResult {
    return { sequence: 1, id, outcome: 'published', reasonCode: 0, ...changes };
  }

  publish(changes: Partial<Publish> = {}, respondAsync = false, once?: AskedOnce): Promise<PublishAnswer> {
    return this.publisher.publish({ ...WANTED, ...changes }, { respondAsync, once });
  }

  /** Whatever is accepted from now on is answered by the broker. */
  up(answer?: Partial<PublishResult>): this {
    this.publisher.linkUp = true;
    if (answer) this.accepting = (publish) => this.publisher.confirmed([this.result(publish, answer)]);
    return this;
  }
}

async function refusal(publishing: Promise<unknown>, code: ErrorCode): Promise<HoldfastError> {
  const error = await publishing.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HoldfastError, String(error));
  assert.equal(error.code, code);
  return error;
}

async function pending(publishing: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): boolean => (settled = true);
  publishing.then(settle, settle);
  for (let i = 0; i < 5; i++) await setImmediate();
  return !settled;
}

function mockTimers(t: TestContext): void {
  t.mock.timers.enable({ apis: ['setTimeout'] });
}

describe('a publish that is not accepted', () => {
  it('keeps nothing, and is counted: forbidden topic, payload too large, QoS 0 while the link is down', async () => {
    const desk = new Desk();
    const forbidden = await refusal(desk.publish({ topic: 'alerts/a' }), 'TOPIC_FORBIDDEN');
    assert.match(forbidden.message, /alerts\/a/);
    await refusal(desk.publish({ topic: '$SYS/a' }), 'TOPIC_FORBIDDEN');
    await refusal(desk.publish({ payload: Buffer.alloc(101) }), 'PAYLOAD_TOO_LARGE');
    await refusal(desk.publish({ qos: 0 }), 'LINK_DOWN');
    await refusal(new Desk({ allow: [] }).publish(), 'TOPIC_FORBIDDEN');
    assert.deepEqual(desk.accepted, []);
    assert.deepEqual(desk.told, Array<string>(4).fill('invalid true'));
  });

  it('a topic with more levels than a broker takes is refused, however it is published', async () => {
    const desk = new Desk().up({});
    const levels = (count: number): string => `commands${'/'.repeat(count - 1)}`;
    const far = levels(201);
    const { details } = await refusal(desk.publish({ topic: far }), 'REQUEST_INVALID');
    const message = 'has 201 levels, publish.maxTopicLevels allows 200';
    assert.deepEqual(details, { errors: [{ pointer: '/topic', message }] });
    await refusal(desk.publisher.send({ ...WANTED, topic: far }, 1), 'REQUEST_INVALID');
    await refusal(desk.publisher.reply(far, undefined, { body: Buffer.from('x') }), 'REQUEST_INVALID');
    const batch = [{ ...WANTED, topic: far }, WANTED];
    const [bad, good] = await desk.publisher.publishAll(batch, { respondAsync: false });
    assert.ok(bad instanceof HoldfastError);
    assert.equal((good as PublishAnswer).status, 'published');
    assert.equal((await desk.publish({ topic: levels(200) })).status, 'published');
    await refusal(new Desk({ topicLevelsMax: 1 }).publish(), 'REQUEST_INVALID');
  });

  it('a full journal or outbox is told as such, and nobody is left waiting for the broker', async () => {
    const desk = new Desk().up();
    for (const code of ['JOURNAL_FULL', 'OUTBOX_FULL'] as const) {
      desk.fault = new HoldfastError(code, 'no room');
      assert.equal((await refusal(desk.publish(), code)).retryable, true);
    }
    desk.fault = new Error('the journal thread ended');
    await assert.rejects(desk.publish(), /the journal thread ended/);
    assert.deepEqual(desk.told, Array<string>(3).fill('invalid true'));
  });

  it('a disk that stalls: publishes on their way to it are bounded, and the rest is told to come again', async () => {
    const desk = new Desk({ maxPayloadBytes: 1 << 20 });
    const commits: (() => void)[] = [];
    desk.accepting = () => new Promise((resolve) => commits.push(resolve));
    const payload = Buffer.alloc(1 << 20);
    const taken = Array.from({ length: PUBLISHES_IN_FLIGHT.bytesMax >> 20 }, () => desk.publish({ payload }, true));
    await refusal(desk.publish({}, true), 'IN_FLIGHT_FULL');
    for (const commit of commits) commit();
    await Promise.all(taken);
    const again = desk.publish({}, true);
    await setImmediate();
    commits.at(-1)!();
    assert.equal((await again).status, 'queued');
  });

  it('a contract that stalls: those that wait for a verdict are bounded as well', async () => {
    const desk = new Desk({ inFlight: { recordsMax: 2, bytesMax: 1_000 } });
    const verdict = Promise.withResolvers<void>();
    desk.checking = verdict.promise;
    const taken = [desk.publish(), desk.publish()];
    await refusal(desk.publish(), 'IN_FLIGHT_FULL');
    verdict.resolve();
    await Promise.all(taken);
    assert.equal((await desk.publish()).status, 'queued');
  });

  it('while the gateway is stopping every publish is refused', async () => {
    const desk = new Desk().up({});
    desk.publisher.stop();
    await refusal(desk.publish(), 'SHUTTING_DOWN');
    assert.deepEqual(desk.accepted, []);
  });

  it('what the broker refuses is answered with its cause and code', async () => {
    const desk = new Desk().up({ outcome: 'refused', reasonCode: 0x87, cause: 'publish-denied' });
    const error = await refusal(desk.publish(), 'PUBLISH_REFUSED');
    assert.deepEqual(error.details, {
      id: desk.accepted[0]!.id,
      cause: 'publish-denied',
      reasonCode: 0x87,
      mend: MEND['publish-denied'],
    });
    assert.deepEqual(desk.told, ['refused true']);
  });
});

describe('a publish that is accepted', () => {
  it('is published once the broker has said so, also when it says so before the outbox has answered', async () => {
    const desk = new Desk().up();
    const publishing = desk.publish();
    assert.ok(await pending(publishing), 'answered before the broker was');
    const [accepted] = desk.accepted as [Publish];
    desk.publisher.confirmed([desk.result({ id: 'another' }), desk.result(accepted)]);
    assert.deepEqual(await publishing, { id: accepted.id, status: 'published' });

    const early = new Desk().up({});
    assert.equal((await early.publish()).status, 'published');
    assert.deepEqual(early.told, ['published true']);
  });

  it('goes into the outbox as it was asked for, with an id that sorts by time', async () => {
    const desk = new Desk();
    const { id } = await desk.publish({ retain: true, properties: { contentType: 'a' } });
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const acceptedAt = Date.UTC(2026, 0, 31);
    assert.deepEqual(desk.accepted, [{ ...WANTED, retain: true, properties: { contentType: 'a' }, id, acceptedAt }]);
  });

  it('while the link is down it is queued at once', async () => {
    const desk = new Desk();
    assert.deepEqual(await desk.publish(), { id: desk.accepted[0]!.id, status: 'queued' });
    assert.deepEqual(desk.told, ['queued true']);
  });

  it('on request, and where publish.wait is 0, nobody waits', async () => {
    assert.equal((await new Desk().up().publish({}, true)).status, 'queued');
    assert.equal((await new Desk({ waitMs: 0 }).up().publish()).status, 'queued');
    assert.equal((await new Desk().up().publish({ qos: 0 }, true)).status, 'queued');
  });

  it('after publish.wait it is queued; a later answer of the broker harms nobody', async (t) => {
    mockTimers(t);
    const desk = new Desk().up();
    const publishing = desk.publish();
    assert.ok(await pending(publishing));
    t.mock.timers.tick(WAIT_MS - 1);
    assert.ok(await pending(publishing), 'it did not wait as long as it should');
    t.mock.timers.tick(1);
    assert.equal((await publishing).status, 'queued');
    desk.publisher.confirmed([desk.result(desk.accepted[0]!)]);
    assert.deepEqual(desk.told, ['queued true']);
  });

  it('a link that drops, or a gateway that stops, lets go of those that wait', async () => {
    for (const end of [
      (desk: Desk): unknown => (desk.publisher.linkUp = false),
      (desk: Desk): unknown => desk.publisher.stop(),
    ]) {
      const desk = new Desk().up();
      const publishing = [desk.publish(), desk.publish()];
      assert.ok(await pending(Promise.race(publishing)));
      end(desk);
      assert.deepEqual(
        (await Promise.all(publishing)).map(({ status }) => status),
        ['queued', 'queued'],
      );
    }
  });

  it('a stop while the outbox still writes is no reason to deny what it has kept', async () => {
    const desk = new Desk().up();
    desk.accepting = async () => {
      desk.publisher.stop();
      await setImmediate();
    };
    assert.equal((await desk.publish()).status, 'queued');
    assert.equal(desk.accepted.length, 1);
  });
});

describe('the broker’s answer, before it is on disk', () => {
  it('is told at once, and where the publish stands with it', async () => {
    const desk = new Desk().up();
    const publishing = desk.publish();
    assert.ok(await pending(publishing));
    const result = desk.result(desk.accepted[0]!);
    desk.publisher.answered([result]);
    const { id, status } = await publishing;
    assert.equal(status, 'published');
    desk.stands = () => ({ status: 'queued' });
    assert.equal(desk.publisher.status(id).status, 'published');
    desk.publisher.confirmed([result]);
    assert.equal(desk.publisher.status(id).status, 'queued', 'and nothing of it is kept');
  });

  it('that comes after the journal’s, or that nobody waits for, is not kept', async () => {
    const desk = new Desk().up();
    const publishing = desk.publish();
    assert.ok(await pending(publishing));
    const result = desk.result(desk.accepted[0]!);
    desk.publisher.confirmed([result]);
    desk.publisher.answered([result]);
    desk.stands = () => undefined;
    assert.throws(() => desk.publisher.status(result.id), { code: 'NOT_FOUND' });
  });

  it('is not told to a request with a key: after a kill a second one would be told otherwise', async () => {
    const desk = new Desk().up();
    const publishing = desk.publish({}, false, KEY);
    assert.ok(await pending(publishing));
    const result = desk.result(desk.accepted[0]!);
    desk.publisher.answered([result]);
    assert.ok(await pending(publishing));
    desk.publisher.confirmed([result]);
    assert.equal((await publishing).status, 'published');
  });

  it('that its time is over is a 504, and counted once, whether somebody waits or not', async () => {
    const desk = new Desk().up();
    const publishing = desk.publish();
    assert.ok(await pending(publishing));
    const expired = desk.result(desk.accepted[0]!, { outcome: 'expired' });
    desk.publisher.answered([expired]);
    await refusal(publishing, 'PUBLISH_EXPIRED');
    desk.publisher.confirmed([expired]);
    assert.deepEqual(desk.told, ['expired']);
  });
});

describe('a reply', () => {
  const reply = { body: Buffer.from('pong'), contentType: 'text/plain' };

  it('has the rules of every publish, and needs a topic that can be published to', async () => {
    const desk = new Desk();
    await refusal(desk.publisher.reply('elsewhere/a', undefined, reply), 'TOPIC_FORBIDDEN');
    await refusal(desk.publisher.reply('commands/a', undefined, { body: Buffer.alloc(101) }), 'PAYLOAD_TOO_LARGE');
    for (const topic of ['', 'commands/#', 'commands/+', 'commands/\0']) {
      await refusal(desk.publisher.reply(topic, undefined, reply), 'REQUEST_INVALID');
    }
    assert.deepEqual(desk.accepted, []);
    desk.fault = new HoldfastError('JOURNAL_FULL', 'full');
    await refusal(desk.publisher.reply('commands/a', undefined, reply), 'JOURNAL_FULL');
  });

  it('a content type that MQTT cannot carry is left out', async () => {
    const desk = new Desk();
    await desk.publisher.reply('commands/a', undefined, { body: reply.body, contentType: 'a\0b' });
    assert.deepEqual(desk.accepted[0]!.properties, {});
  });

  it('is taken while the gateway is stopping, waits for no broker, and keeps the correlation data', async () => {
    const desk = new Desk().up();
    desk.publisher.stop();
    await desk.publisher.reply('commands/a', 'aGk=', reply);
    const [{ topic, payload, qos, retain, properties }] = desk.accepted as [Publish];
    assert.deepEqual([topic, payload, qos, retain], ['commands/a', reply.body, 1, false]);
    assert.deepEqual(properties, { correlationData: 'aGk=', contentType: 'text/plain' });
    assert.deepEqual(desk.told, []);
  });
});

describe('where a publish stands', () => {
  it('an id that is not known is NOT_FOUND', () => {
    assert.throws(() => new Desk().publisher.status('x'), { code: 'NOT_FOUND' });
  });

  it('is told to tokens that may publish to its topic, and to no other, whether it has ended or not', () => {
    const desk = new Desk();
    const token = (...publish: string[]): Caller => ({
      ...{ name: 'app', scopes: ['publish'], publish },
      revoked: new AbortController().signal,
    });
    const result = desk.result({ id: 'a' }, { outcome: 'published' });
    for (const ended of [{ status: 'queued' as const }, { status: 'published' as const, result }]) {
      desk.stands = () => ({ ...ended, topic: 'commands/pump/1' });
      assert.equal(desk.publisher.status('a', token('commands/pump/#')).status, ended.status);
      assert.equal(desk.publisher.status('a').status, ended.status);
      for (const other of [token('commands/valve/#'), token()]) {
        assert.throws(() => desk.publisher.status('a', other), { code: 'NOT_FOUND' });
      }
      // Which topic it was is no longer known.
      desk.stands = () => ended;
      assert.throws(() => desk.publisher.status('a', token('#')), { code: 'NOT_FOUND' });
      assert.equal(desk.publisher.status('a').status, ended.status);
    }
  });

  it('tells the status, and the reason once there is one', async () => {
    const desk = new Desk();
    const { id } = await desk.publish();
    assert.deepEqual(desk.publisher.status(id), { id, status: 'refused', reasonCode: 0x87 });
    const result = desk.result({ id }, { outcome: 'refused', reasonCode: 0x95, cause: 'packet-too-large' });
    desk.stands = () => ({ status: 'refused', result });
    const { cause, mend } = desk.publisher.status(id);
    assert.deepEqual([cause, mend], ['packet-too-large', MEND['packet-too-large']]);
  });
});
