/** Payloads that are no JSON: checked for what they say, forwarded to the byte, and given as JSON to who asks for it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { encode } from 'cborg';
import { connectAsync, type MqttClient } from 'mqtt';
import protobuf from 'protobufjs';
import { startFlow, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const PROTO = 'syntax = "proto3"; package acme; message Reading { string id = 1; double t = 2; uint64 n = 3; }';
const SCHEMA = {
  type: 'object',
  required: ['id', 't'],
  properties: { id: { type: 'string', minLength: 1 }, t: { type: 'number', maximum: 100 } },
};
const DIGITS = '{"id":"a","t":1.50,"n":12345678901234567890}';

type Message = [contentType: string | undefined, payload: Buffer];

describe('formats of payloads', { skip: needs('mosquitto') }, () => {
  it('each is checked by the same schema, forwarded as it came, and given as JSON where that is asked for', async (t) => {
    const { flow, device } = await started(t, ({ url }) => [
      { id: 'original', url: `${url}/original`, topics: ['devices/#'], ordering: 'topic' },
      { id: 'json', url: `${url}/json`, topics: ['devices/#'], ordering: 'topic', payload: 'json' },
      {
        ...{ id: 'structured', url: `${url}/structured`, topics: ['devices/#'], ordering: 'topic', payload: 'json' },
        format: 'cloudevents-structured',
      },
      {
        ...{ id: 'batch', url: `${url}/batch`, topics: ['devices/#'], ordering: 'topic', payload: 'json' },
        format: 'cloudevents-batch',
      },
    ]);
    const reading = protobuf.parse(PROTO).root.lookupType('acme.Reading');
    const good: Message[] = [
      [undefined, Buffer.from(DIGITS)],
      ['application/cbor', Buffer.from(encode({ n: 2n ** 64n - 1n, t: 2, id: 'a' }))],
      ['application/x-protobuf', Buffer.from(reading.encode({ id: 'a' }).finish())],
      ['application/json', gzipSync(DIGITS)],
    ];
    const bad: Message[] = [
      ['application/cbor', Buffer.from(encode({ id: 'a', t: 101 }))],
      ['application/cbor', Buffer.from('ff', 'hex')],
      ['application/x-protobuf', Buffer.from(reading.encode({ t: 3 }).finish())],
      ['application/xml', Buffer.from('<a/>')],
      ['application/json', gzipSync(DIGITS).subarray(0, 20)],
      ['application/json', gzipSync(`"${' '.repeat(5_000_000)}"`)],
      [
        'application/json',
        Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [i, 0])))),
      ],
    ];
    const reasons = ['schema', 'syntax', 'schema', 'content-type', 'compression', 'too-large', 'too-many'];
    for (const [contentType, payload] of [...good.slice(0, 1), ...bad, ...good.slice(1)]) {
      const properties = contentType === undefined ? {} : { contentType };
      await device.publishAsync('devices/1', payload, { qos: 1, properties });
    }
    const sent = (path: string) => flow.receiver.requests.filter((request) => request.path === path);
    const events = (): unknown[] => sent('/batch').flatMap(({ body }) => JSON.parse(body.toString()) as unknown[]);
    await flow.receiver.waitFor(
      () => sent('/original').length + sent('/json').length + sent('/structured').length === 12,
    );
    await flow.receiver.waitFor(() => events().length === 4);

    assert.deepEqual(
      sent('/original').map(({ headers, body }) => [headers['content-type'], body.toString('hex')]),
      good.map(([contentType = 'application/octet-stream', payload]) => [contentType, payload.toString('hex')]),
    );
    const texts = [DIGITS, '{"n":"18446744073709551615","t":2,"id":"a"}', '{"id":"a","t":0,"n":"0"}', DIGITS];
    assert.deepEqual(
      sent('/json').map(({ headers, body }) => [
        headers['content-type'],
        headers['mqtt-content-type'],
        body.toString(),
      ]),
      texts.map((text, i) => ['application/json', good[i]![0], text]),
    );
    for (const [i, { body }] of sent('/structured').entries()) {
      const event = JSON.parse(body.toString()) as { [name: string]: unknown };
      assert.ok(body.toString().endsWith(`,"data":${texts[i]}}`));
      assert.deepEqual([event['datacontenttype'], event['mqttcontenttype']], ['application/json', good[i]![0]]);
    }
    assert.deepEqual(
      events().map((event) => (event as { data: unknown }).data),
      texts.map((text) => JSON.parse(text) as unknown),
    );
    const { items } = (await (await flow.gateway.http('/v1/rejections?order=asc')).json()) as {
      items: { reason: string }[];
    };
    assert.deepEqual(
      items.map(({ reason }) => reason),
      reasons,
    );
    for (const reason of new Set(reasons)) {
      const counted = await flow.gateway.metric('holdfast_rejections_total', { contract: 'reading', reason });
      assert.equal(counted, reasons.filter((one) => one === reason).length, reason);
    }
  });

  it('where and key look into what the contract decodes, whatever the format, and the original is forwarded', async (t) => {
    const { flow, device } = await started(t, ({ url }) => [
      { id: 'where', url: `${url}/where`, topics: ['devices/#'], where: { exact: { '/id': 'a' } } },
      {
        ...{ id: 'key', url: `${url}/key`, topics: ['devices/#'], ordering: 'key', key: '/id' },
        ...{ retry: { schedule: ['1h'] }, breaker: { failures: 1_000 } },
      },
    ]);
    const reading = protobuf.parse(PROTO).root.lookupType('acme.Reading');
    const of = (id: string): Message[] => [
      ['application/json', Buffer.from(JSON.stringify({ id, t: 1 }))],
      ['application/cbor', Buffer.from(encode({ id, t: 2 }))],
      ['application/x-protobuf', Buffer.from(reading.encode({ id, t: 3 }).finish())],
      ['application/json', gzipSync(JSON.stringify({ id, t: 4 }))],
    ];
    const sent = (path: string) => flow.receiver.requests.filter((request) => request.path === path);
    const bytes = (message: Message): string => message[1].toString('hex');
    const failing = bytes(of('a')[1]!);
    flow.receiver.answer = ({ path, body }) =>
      path === '/key' && body.toString('hex') === failing ? { status: 500 } : undefined;
    for (const [contentType, payload] of [...of('a'), ...of('b')]) {
      await device.publishAsync('devices/1', payload, { qos: 1, properties: { contentType: contentType! } });
    }
    await flow.receiver.waitFor(() => sent('/where').length >= 4 && sent('/key').length >= 6);
    const received = (path: string): string[] => sent(path).map(({ body }) => body.toString('hex'));
    assert.deepEqual(received('/where').toSorted(), of('a').map(bytes).toSorted());
    // What is behind the one that fails waits for it, in whatever format; the other key flows.
    assert.deepEqual(received('/key').toSorted(), [...of('a').slice(0, 2), ...of('b')].map(bytes).toSorted());
  });

  it('a payload that cannot be decoded any more is a dead letter that says why, and what is behind it flows', async (t) => {
    const { flow, device } = await started(t, ({ url }) => [
      { id: 'json', url: `${url}/json`, topics: ['devices/#'], ordering: 'topic', payload: 'json' },
      {
        ...{ id: 'batch', url: `${url}/batch`, topics: ['devices/#'], payload: 'json', format: 'cloudevents-batch' },
        batch: { maxMessages: 3, maxWait: '1s' },
      },
    ]);
    flow.receiver.answer = () => ({ status: 503, headers: { 'retry-after': '1' } });
    const cbor = Buffer.from(encode({ id: 'a', t: 2 }));
    await device.publishAsync('devices/1', cbor, { qos: 1, properties: { contentType: 'application/cbor' } });
    await flow.receiver.waitFor(({ requests }) => new Set(requests.map(({ path }) => path)).size === 2);
    await flow.gateway.stop();
    flow.config['contracts'] = { reading: { format: 'json' } };
    flow.receiver.requests.length = 0;
    flow.receiver.answer = () => undefined;
    await flow.restart();
    for (const n of [1, 2]) await device.publishAsync('devices/1', `{"n":${n}}`, { qos: 1 });
    const bodies = (): string =>
      flow.receiver.requests.map(({ path, body }) => `${path} ${body.toString()}`).join('\n');
    await flow.receiver.waitFor(() => ['1', '2'].every((n) => bodies().split(`{"n":${n}}`).length === 3));
    const dead = async (): Promise<{ subscriber: string; reason: string; detail: string }[]> =>
      ((await (await flow.gateway.http('/v1/dead-letters')).json()) as { items: never[] }).items;
    await until(async () => (await dead()).length === 2, { what: 'two dead letters' });
    for (const { reason, detail } of await dead()) {
      assert.equal(reason, 'payload');
      assert.match(detail, /^encoding: the payload is not valid UTF-8|^syntax: /);
    }
  });
});

async function started(
  t: Parameters<typeof startFlow>[0],
  subscribers: (parts: { url: string }) => object[],
): Promise<{ flow: Flow; device: MqttClient }> {
  const directory = scratchDirectory('contract');
  const [schema, file] = [join(directory, 'reading.json'), join(directory, 'reading.proto')];
  writeFileSync(schema, JSON.stringify(SCHEMA));
  writeFileSync(file, PROTO);
  const flow = await startFlow(t, {
    config: ({ receiverUrl }) => ({
      subscriptions: [{ filter: 'devices/#', contract: 'reading' }],
      contracts: {
        reading: { format: 'auto', compression: 'auto', protobuf: { file, message: 'acme.Reading' }, schema },
      },
      subscribers: subscribers({ url: receiverUrl.replace('/events', '') }),
    }),
  });
  const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
  t.after(() => device.endAsync(true));
  return { flow, device };
}
