import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IPublishPacket } from 'mqtt';
import type { RequestResponse } from '../domain/publish.js';
import { Responses, type ResponseLine } from './responses.js';
import { Subscriptions } from './subscriptions.js';

/** A link with a broker that answers each SUBSCRIBE with `code`. */
class Link {
  readonly told: RequestResponse[] = [];
  readonly asked: string[] = [];
  readonly subscriptions = new Subscriptions([]);
  readonly responses: Responses;
  now = 0;
  code: number | undefined = 1;

  constructor() {
    const clock = { monotonic: () => this.now };
    const responded = (response: RequestResponse): unknown => this.told.push(response);
    this.responses = new Responses({ clientId: 'a/b+#', responseTopic: 'answers' }, { clock, responded });
  }

  get line(): ResponseLine {
    const port: ResponseLine['port'] = {
      limits: { wildcardAvailable: true, sharedAvailable: true },
      now: () => this.now,
      subscribe: ({ filter }) => {
        this.asked.push(filter);
        return this.code === undefined ? Promise.reject(new Error('closed')) : Promise.resolve(this.code);
      },
      unsubscribe: () => Promise.resolve(),
      acknowledged: () => undefined,
      dropped: () => undefined,
      answered: () => undefined,
      unanswered: () => undefined,
    };
    return { protocol: '5', port };
  }

  expect(token: string, line: ResponseLine | undefined = this.line): Promise<void> {
    return this.responses.expect({ token, correlationData: 'aGk=', waitMs: 100 }, line, this.subscriptions);
  }

  hear(topic: string, correlationData?: string): boolean {
    const properties = correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) };
    const packet = { cmd: 'publish', topic, payload: Buffer.from('!'), qos: 1, retain: false, dup: false, properties };
    return this.responses.heard(packet as IPublishPacket);
  }
}

describe('answers to requests', () => {
  it('are subscribed to with the first request, once, and again on a session that has forgotten', async () => {
    const link = new Link();
    await Promise.all([link.expect('1'), link.expect('2')]);
    await link.expect('3');
    assert.deepEqual(link.asked, ['answers/+']);
    assert.deepEqual(link.subscriptions.granted, [], 'it is no subscription of the configuration');
    link.subscriptions.load([]);
    await link.expect('4');
    assert.equal(link.asked.length, 2);
  });

  it('are told once, with or without correlation data, but never with another’s', async () => {
    const link = new Link();
    await link.expect('1');
    await link.expect('2');
    assert.equal(link.hear('devices/1'), false);
    assert.equal(link.hear('answers'), false);
    for (const [topic, correlation] of [
      ['answers/9'],
      ['answers/1', 'other'],
      ['answers/1', 'hi'],
      ['answers/1', 'hi'],
      ['answers/2'],
    ] as const) {
      assert.equal(link.hear(topic, correlation), true, 'and it is nobody else’s');
    }
    assert.deepEqual(
      link.told.map(({ token, payload, properties }) => [token, String(payload), properties?.correlationData]),
      [
        ['1', '!', 'aGk='],
        ['2', '!', undefined],
      ],
    );
  });

  it('that come too late go no further', async () => {
    const link = new Link();
    await link.expect('1');
    link.now = 101;
    assert.equal(link.hear('answers/1', 'hi'), true);
    assert.deepEqual(link.told, []);
  });

  it('that nobody waits for any more go no further either', async () => {
    const link = new Link();
    await link.expect('1');
    link.responses.forget('1');
    link.responses.forget('none');
    assert.equal(link.hear('answers/1', 'hi'), true);
    assert.deepEqual(link.told, []);
  });

  it('cannot come while the link is down, over MQTT 3.1.1, or where the broker denies it', async () => {
    const link = new Link();
    await assert.rejects(
      link.responses.expect({ token: '1', correlationData: '', waitMs: 1 }, undefined, link.subscriptions),
      {
        code: 'LINK_DOWN',
      },
    );
    await assert.rejects(link.expect('1', { ...link.line, protocol: '3.1.1' }), { code: 'REQUEST_UNSUPPORTED' });
    link.code = undefined;
    await assert.rejects(link.expect('1'), { code: 'LINK_DOWN' });
    link.subscriptions.ended(false, 0);
    link.code = 0x87;
    for (let i = 0; i < 2; i++) await assert.rejects(link.expect('1'), { code: 'RESPONSES_DENIED' });
    assert.equal(link.asked.length, 2, 'a denial is not asked about with every request');
  });

  it('come below a topic that any client id can be part of', () => {
    const told: RequestResponse[] = [];
    const ambient = { clock: { monotonic: () => 0 }, responded: (one: RequestResponse) => told.push(one) };
    const responses = new Responses({ clientId: 'a/b+#\u00e9' }, ambient);
    const packet = { topic: 'holdfast/responses/a_b___/1', payload: Buffer.alloc(0), qos: 0 } as IPublishPacket;
    assert.equal(responses.heard(packet), true);
  });
});
