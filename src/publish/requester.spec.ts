import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError, type ErrorCode } from '../domain/errors.js';
import { expiresAt, type ExpectedResponse, type PublishResult, type RequestResponse } from '../domain/publish.js';
import type { RequestSettings } from '../domain/settings.js';
import type { Wanted } from './publisher.js';
import { parseRequest } from './request.dto.js';
import { Requester, type Answered, type Asker } from './requester.js';

const WANTED: Wanted = { topic: 'commands/a', payload: Buffer.from('?'), qos: 1, retain: false, properties: null };

/** A requester over a link and an outbox of the test's own. */
class Desk {
  readonly expected: ExpectedResponse[] = [];
  readonly sent: (Wanted & { waitMs: number })[] = [];
  readonly letGo: string[] = [];
  readonly forgotten: string[] = [];
  readonly requester: Requester;
  now = 0;
  deaf: HoldfastError | undefined;
  end = Promise.withResolvers<PublishResult | undefined>();

  constructor(settings: Partial<RequestSettings> = {}) {
    this.requester = new Requester({
      publisher: {
        send: (wanted, waitMs) => {
          this.sent.push({ ...wanted, waitMs });
          const id = `id-${this.sent.length}`;
          return Promise.resolve({ id, ended: this.end.promise, letGo: () => this.letGo.push(id) });
        },
      },
      desk: {
        expect: (expected) => {
          this.expected.push(expected);
          return this.deaf ? Promise.reject(this.deaf) : Promise.resolve();
        },
        forget: (token) => this.forgotten.push(token),
      },
      responseTopic: 'answers',
      settings: { timeoutMs: 10_000, timeoutMsMax: 20_000, waitingMax: 2, perTokenMax: 2, ...settings },
      clock: { now: () => this.now, monotonic: () => 0 },
    });
  }

  async ask(
    properties: Wanted['properties'] = null,
    timeoutMs?: number,
    asker?: Asker,
  ): Promise<{ asking: Promise<Answered> }> {
    const asking = this.requester.request({ ...WANTED, properties }, timeoutMs, asker);
    asking.catch(() => undefined);
    for (let i = 0; i < 5; i++) await setImmediate();
    return { asking };
  }

  answer(changes: Partial<RequestResponse> = {}): RequestResponse {
    const { token } = this.expected.at(-1)!;
    return { token, topic: 't', qos: 1, payload: Buffer.from('!'), properties: null, ...changes };
  }
}

async function code(asking: Promise<unknown>): Promise<ErrorCode> {
  return asking.then(
    () => assert.fail('it was answered'),
    (error: HoldfastError) => error.code,
  );
}

describe('a request', () => {
  it('has a response topic and correlation data that nobody can guess, and ends with its time', async () => {
    const desk = new Desk();
    const { asking } = await desk.ask();
    await desk.ask();
    const [first, second] = desk.sent.map(({ properties }) => properties!) as [object, object];
    const { token, correlationData } = desk.expected[0]!;
    assert.match(token, /^[0-9a-f]{32}$/);
    assert.deepEqual(first, { responseTopic: `answers/${token}`, correlationData, messageExpiryInterval: 10 });
    assert.notDeepEqual(first, second);
    desk.requester.responded(desk.answer({ token: 'another' }));
    desk.requester.responded(desk.answer({ token }));
    const { id, payload } = await asking;
    assert.deepEqual([id, String(payload)], ['id-1', '!']);
  });

  it('keeps the caller’s own correlation data, and a shorter expiry', async () => {
    const desk = new Desk();
    await desk.ask({ correlationData: 'aGk=', messageExpiryInterval: 3, contentType: 'a/b' }, 7_001);
    const { properties, waitMs } = desk.sent[0]!;
    assert.deepEqual([properties?.correlationData, properties?.contentType, waitMs], ['aGk=', 'a/b', 7_001]);
    assert.equal(properties?.messageExpiryInterval, 3);
    assert.equal(desk.expected[0]!.correlationData, 'aGk=');
    await desk.ask(null, 7_001);
    assert.equal(desk.sent[1]!.properties?.messageExpiryInterval, 8);
  });

  it('that nobody answers in time is a 504 with the id', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const desk = new Desk();
    const { asking } = await desk.ask(null, 50_000);
    desk.end.resolve({ sequence: 1, id: 'id-1', outcome: 'published', reasonCode: 0 });
    let ended = false;
    asking.catch(() => (ended = true));
    t.mock.timers.tick(19_999);
    await setImmediate();
    assert.equal(ended, false);
    t.mock.timers.tick(1);
    await assert.rejects(asking, (error: HoldfastError) => {
      assert.deepEqual([error.code, error.details], ['RESPONSE_TIMEOUT', { id: 'id-1' }]);
      return true;
    });
  });

  it('must not be sent from its end on; found to have run out then, it is the same 504, before that its own expiry was', async () => {
    const expired = { sequence: 1, id: 'id-1', outcome: 'expired', reasonCode: 0 } as const;
    for (const [endsAt, told] of [
      [1_299, 'PUBLISH_EXPIRED'],
      [1_300, 'RESPONSE_TIMEOUT'],
    ] as const) {
      const desk = new Desk();
      desk.now = 1_000;
      const { asking } = await desk.ask(null, 300);
      assert.equal(desk.sent[0]!.sendUntil, 1_300);
      assert.equal(expiresAt({ ...desk.sent[0]!, acceptedAt: 1_000 }), 1_300);
      desk.now = endsAt;
      desk.end.resolve(expired);
      const error = await asking.catch((thrown: HoldfastError) => thrown);
      assert.ok(error instanceof HoldfastError);
      assert.deepEqual([error.code, error.details], [told, { id: 'id-1' }]);
    }
  });

  it('that the broker refuses, or that runs out in the outbox, ends at once', async () => {
    const desk = new Desk();
    const { asking } = await desk.ask();
    desk.end.resolve({ sequence: 1, id: 'id-1', outcome: 'refused', reasonCode: 0x87, cause: 'publish-denied' });
    assert.equal(await code(asking), 'PUBLISH_REFUSED');
  });

  it('is not sent when no answer would be heard', async () => {
    const desk = new Desk();
    desk.deaf = new HoldfastError('RESPONSES_DENIED', 'no');
    assert.equal(await code((await desk.ask()).asking), 'RESPONSES_DENIED');
    assert.deepEqual(desk.sent, []);
  });

  it('is bounded in number; a gateway that stops answers nobody any more', async () => {
    const desk = new Desk();
    const waiting = [await desk.ask(), await desk.ask()];
    assert.equal(await code((await desk.ask()).asking), 'IN_FLIGHT_FULL');
    desk.requester.stop();
    for (const { asking } of waiting) assert.equal(await code(asking), 'RESPONSE_TIMEOUT');
    await desk.ask();
    assert.equal(desk.sent.length, 3);
    desk.requester.stop();
  });

  it('of a caller that has hung up gives its place back; what it asked goes its way', async () => {
    const desk = new Desk();
    const gone = new AbortController();
    const waiting = [await desk.ask(null, 10_000, { gone: gone.signal }), await desk.ask(null, 10_000)];
    gone.abort();
    assert.equal(await code(waiting[0]!.asking), 'RESPONSE_TIMEOUT');
    assert.deepEqual([desk.letGo, desk.forgotten], [['id-1'], [desk.expected[0]!.token]]);
    // One that has hung up before it is read is published, too, and takes no place.
    assert.equal(await code((await desk.ask(null, 10_000, { gone: gone.signal })).asking), 'RESPONSE_TIMEOUT');
    await desk.ask();
    assert.equal(desk.sent.length, 4);
    assert.equal(await code((await desk.ask()).asking), 'IN_FLIGHT_FULL');
    desk.requester.stop();
  });

  it('is bounded for each token, so that one leaves room for the others; without tokens it is not', async () => {
    const desk = new Desk({ waitingMax: 4, perTokenMax: 1 });
    const caller = (name: string): Asker => ({
      caller: { name, scopes: ['publish'], revoked: new AbortController().signal },
    });
    const first = await desk.ask(null, undefined, caller('first'));
    const full = await desk.ask(null, undefined, caller('first'));
    await assert.rejects(full.asking, { code: 'IN_FLIGHT_FULL', message: /the token "first"/ });
    await desk.ask(null, undefined, caller('second'));
    desk.requester.responded(desk.answer({ token: desk.expected[0]!.token }));
    await first.asking;
    await desk.ask(null, undefined, caller('first'));
    await desk.ask();
    await desk.ask();
    assert.equal(desk.sent.length, 5);
    desk.requester.stop();
  });
});

describe('the body of a request', () => {
  it('is that of a publish without a response topic, and a time within bounds', () => {
    const body = { topic: 't', payload: 'x' };
    assert.equal(parseRequest(body, undefined, 60_000).timeoutMs, undefined);
    assert.equal(parseRequest({ ...body, timeoutSeconds: 0.5 }, undefined, 60_000).timeoutMs, 500);
    for (const timeoutSeconds of [0, -1, 61, '5', [], {}]) {
      assert.throws(() => parseRequest({ ...body, timeoutSeconds }, undefined, 60_000), { code: 'REQUEST_INVALID' });
    }
    for (const bad of [null, [], 'x', undefined]) {
      assert.throws(() => parseRequest(bad, undefined, 60_000), { code: 'REQUEST_INVALID' });
    }
    const all = { topic: '#', payload: 'x', timeoutSeconds: 0 };
    assert.throws(
      () => parseRequest(all, undefined, 60_000),
      (error: HoldfastError) => {
        const pointers = (error.details['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
        assert.deepEqual(pointers, ['/timeoutSeconds', '/topic']);
        return true;
      },
    );
    const own = { ...body, responseTopic: 'r' };
    assert.throws(() => parseRequest(own, undefined, 60_000), /^HoldfastError: \/responseTopic: /);
    const theirs = { ...body, properties: { response_topic: 'r' } };
    assert.throws(() => parseRequest(theirs, undefined, 60_000), /^HoldfastError: \/properties\/response_topic: /);
  });
});
