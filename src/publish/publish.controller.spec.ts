import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HoldfastError } from '../domain/errors.js';
import { SCOPE_METADATA } from '../domain/scope.js';
import { PublishController } from './publish.controller.js';
import type { Asking, BatchAnswer, Publisher, Wanted } from './publisher.js';
import { askedOnce, keepBody } from './request.js';

const PROBLEMS = { of: ({ code }: HoldfastError) => ({ code }) };

interface Sent {
  headers?: { [name: string]: string };
  /** Of a header that is there more than once. */
  distinct?: { [name: string]: string[] };
  body?: string;
  url?: string;
  caller?: { name: string };
}

function requestOf({ headers = {}, distinct, body = '', url = '/v1/publish', caller }: Sent): FastifyRequest {
  const headersDistinct = distinct ?? Object.fromEntries(Object.entries(headers).map(([name, one]) => [name, [one]]));
  const request = { headers, raw: { headersDistinct, method: 'POST', url }, caller } as unknown as FastifyRequest;
  keepBody(request, Buffer.from(body));
  return request;
}

/** A controller over a publisher that answers with `answers`. */
class Desk {
  code = 0;
  asking: Asking | undefined;
  wanted: readonly (Wanted | HoldfastError)[] = [];
  readonly reply = { status: (code: number) => (this.code = code) } as unknown as FastifyReply;
  readonly controller: PublishController;

  constructor(...answers: BatchAnswer[]) {
    const publishAll = (wanted: readonly (Wanted | HoldfastError)[], asking: Asking): Promise<BatchAnswer[]> => {
      this.wanted = wanted;
      this.asking = asking;
      return Promise.resolve(answers);
    };
    const publish = async (wanted: Wanted, asking: Asking): Promise<BatchAnswer> =>
      (await publishAll([wanted], asking))[0]!;
    const publisher = { publish, publishAll, batchMax: 3 } as unknown as Publisher;
    this.controller = new PublishController(publisher, PROBLEMS);
  }

  publish(sent: Sent, body = '{"topic":"commands/a","payload":"x"}'): Promise<unknown> {
    return this.controller.publish(JSON.parse(body), requestOf({ body, ...sent }), this.reply);
  }

  batch(body: string): Promise<unknown> {
    return this.controller.batch(JSON.parse(body), requestOf({ body }), this.reply);
  }

  raw(query: { [name: string]: unknown }, body: string, type?: string): Promise<unknown> {
    const headers: { [name: string]: string } = type === undefined ? {} : { 'content-type': type };
    return this.controller.raw(query, requestOf({ body, headers }), this.reply);
  }
}

const PUBLISHED: BatchAnswer = { id: 'id', status: 'published' };
const QUEUED: BatchAnswer = { id: 'id', status: 'queued' };

describe('POST /v1/publish', () => {
  it('a body with problems never reaches the publisher', async () => {
    await assert.rejects(new Desk().publish({}, '{}'), { code: 'REQUEST_INVALID' });
  });

  it('is 200 once published and 202 while queued', async () => {
    for (const [answer, code] of [
      [PUBLISHED, 200],
      [QUEUED, 202],
    ] as const) {
      const desk = new Desk(answer);
      assert.deepEqual(await desk.publish({}), answer);
      assert.equal(desk.code, code);
    }
  });

  it('Prefer: respond-async is understood in any case, among others, and nowhere else', async () => {
    const asked = async (prefer?: string): Promise<boolean> => {
      const desk = new Desk(QUEUED);
      await desk.publish(prefer === undefined ? {} : { headers: { prefer } });
      return desk.asking!.respondAsync;
    };
    for (const prefer of ['respond-async', 'Respond-Async', 'wait=10, respond-async', 'respond-async; a=b, c']) {
      assert.equal(await asked(prefer), true, prefer);
    }
    for (const prefer of [undefined, '', 'wait=10', 'x-respond-async', 'respond-asynchronously', 'a="respond-async"']) {
      assert.equal(await asked(prefer), false, prefer);
    }
  });

  it('a payload that is no string goes out as it was written', async () => {
    const desk = new Desk(PUBLISHED);
    await desk.publish({}, '{"topic":"t", "payload": {"n":12345678901234567890, "d":1.0, "n":2}}');
    assert.equal(String((desk.wanted[0] as Wanted).payload), '{"n":12345678901234567890,"d":1.0,"n":2}');
  });

  it('a query beside a body is refused: it would not count', async () => {
    const url = '/v1/publish?qos=0&retain=true&qos=1';
    const told = { code: 'REQUEST_INVALID', message: /^\/qos: .*; \/retain: [^;]*$/ };
    await assert.rejects(new Desk(PUBLISHED).publish({ url }), told);
    const body = '[{"topic":"t","payload":1}]';
    const desk = new Desk(PUBLISHED);
    await assert.rejects(desk.controller.batch(JSON.parse(body), requestOf({ url, body }), desk.reply), told);
    assert.deepEqual(await new Desk(PUBLISHED).publish({ url: '/v1/publish?' }), PUBLISHED);
  });

  it('every call needs the scope publish', () => {
    for (const name of ['publish', 'raw', 'batch', 'status'] as const) {
      const method = Object.getOwnPropertyDescriptor(PublishController.prototype, name);
      assert.equal(Reflect.getMetadata(SCOPE_METADATA, method?.value as object), 'publish');
    }
  });
});

describe('Idempotency-Key', () => {
  const once = async (sent: Sent): Promise<Asking['once']> => {
    const desk = new Desk(PUBLISHED);
    await desk.publish(sent);
    return desk.asking!.once;
  };
  const keyed = (key: string): Sent => ({ headers: { 'idempotency-key': key } });

  it('is taken as it is, or in the quotes of the draft standard, as its caller’s', async () => {
    assert.equal(await once({}), undefined);
    for (const key of ['8e03-a', '"8e03-a"']) {
      const asked = await once({ ...keyed(key), caller: { name: 'app' } });
      assert.deepEqual([asked!.caller, asked!.key], ['app', '8e03-a']);
    }
    assert.equal((await once(keyed('a')))!.caller, '');
  });

  it('that is empty, repeated, too long or not plain text is refused', async () => {
    for (const key of ['', '""', 'a b', 'é', 'x'.repeat(256)]) {
      await assert.rejects(once(keyed(key)), { code: 'REQUEST_INVALID' }, key);
    }
    const distinct = { 'idempotency-key': ['a', 'b'] };
    await assert.rejects(once({ ...keyed('a, b'), distinct }), { code: 'REQUEST_INVALID' });
  });

  it('goes with the address, the query, the content type and every byte of the body', () => {
    const digests = [
      {},
      {},
      { url: '/v1/publish/batch' },
      { url: '/v1/publish/raw?topic=a' },
      { url: '/v1/publish/raw?topic=b' },
      { body: '{ "topic":"commands/a","payload":"x"}' },
      { headers: { 'idempotency-key': 'k', 'content-type': 'application/json; charset=utf-8' } },
    ].map((sent) => askedOnce(requestOf({ ...keyed('k'), ...sent }))!.digest);
    assert.equal(digests[0], digests[1]);
    assert.equal(new Set(digests).size, 6);
  });
});

describe('POST /v1/publish/batch', () => {
  it('each has its own answer; the status is that of the worst', async () => {
    const failed = new HoldfastError('PUBLISH_REFUSED', 'no');
    const two = '[{"topic":"a","payload":1e2},{"topic":"b","payload":"x"}]';
    const cases: [BatchAnswer[], number][] = [
      [[PUBLISHED, PUBLISHED], 200],
      [[PUBLISHED, QUEUED], 202],
      [[QUEUED, failed], 207],
    ];
    for (const [answers, code] of cases) {
      const desk = new Desk(...answers);
      const problem = { status: 'failed', problem: { code: 'PUBLISH_REFUSED' } };
      assert.deepEqual(
        await desk.batch(two),
        answers.map((one) => (one === failed ? problem : one)),
      );
      assert.equal(desk.code, code);
      assert.deepEqual(
        desk.wanted.map((one) => String((one as Wanted).payload)),
        ['1e2', 'x'],
      );
    }
  });

  it('one that cannot be understood fails alone', async () => {
    const desk = new Desk(PUBLISHED);
    await desk.batch('[{"topic":"a","payload":1},{"topic":"#"},5]');
    assert.deepEqual(
      desk.wanted.map((one) => one instanceof HoldfastError && one.code),
      [false, 'REQUEST_INVALID', 'REQUEST_INVALID'],
    );
  });

  it('what is no array, empty or too long is refused whole', async () => {
    for (const body of ['{}', '[]', '"a"', 'null', '[1,2,3,4]']) {
      await assert.rejects(new Desk().batch(body), { code: 'REQUEST_INVALID' }, body);
    }
  });
});

describe('POST /v1/publish/raw', () => {
  it('the body is the payload, the query the rest, and the content type passes through', async () => {
    const desk = new Desk(PUBLISHED);
    const query = {
      topic: 't',
      qos: '0',
      retain: 'true',
      expirySeconds: '5',
      responseTopic: 'r',
      correlationData: 'aGk=',
    };
    await desk.raw(query, '{"a": 1}', 'application/json');
    assert.deepEqual(desk.wanted[0], {
      topic: 't',
      payload: Buffer.from('{"a": 1}'),
      qos: 0,
      retain: true,
      properties: {
        contentType: 'application/json',
        messageExpiryInterval: 5,
        responseTopic: 'r',
        correlationData: 'aGk=',
      },
    });
    await desk.raw({ topic: 't' }, '');
    assert.deepEqual(desk.wanted[0], { topic: 't', payload: Buffer.alloc(0), qos: 1, retain: false, properties: null });
    for (const [text, retain] of [
      ['', true],
      ['false', false],
    ] as const) {
      await desk.raw({ topic: 't', retain: text }, '');
      assert.equal((desk.wanted[0] as Wanted).retain, retain);
    }
  });

  it('a query that is no UTF-8 is refused, not taken as it is written', async () => {
    const desk = new Desk(PUBLISHED);
    const of = (url: string): FastifyRequest => requestOf({ url: `/v1/publish/raw?topic=${url}` });
    for (const bad of ['a%FF', 'a%C3', 'a%', 'a%zz']) {
      const call = desk.controller.raw({ topic: bad }, of(bad), desk.reply);
      await assert.rejects(call, { code: 'REQUEST_INVALID', message: /UTF-8/ }, bad);
    }
    await desk.controller.raw({ topic: 'a%FF' }, of('a%25FF'), desk.reply);
    assert.equal((desk.wanted[0] as Wanted).topic, 'a%FF');
  });

  it('all that is wrong with the query is told at once', async () => {
    const query = { topic: ['a', 'b'], qos: 'one', retain: 'yes', expirySeconds: '-1', payload: 'x', toString: '' };
    await assert.rejects(new Desk().raw(query, ''), (error: HoldfastError) => {
      const pointers = (error.details['errors'] as { pointer: string }[]).map(({ pointer }) => pointer);
      assert.deepEqual([...new Set(pointers)].sort(), [
        '/expirySeconds',
        '/payload',
        '/qos',
        '/retain',
        '/toString',
        '/topic',
      ]);
      return true;
    });
    await assert.rejects(new Desk().raw({ topic: 't', qos: '2' }, ''), { code: 'QOS_UNSUPPORTED' });
  });
});
