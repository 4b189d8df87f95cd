/** Every JSON text that parsers are known to differ on, through the gateway by both ways in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { read } from '../tidy/tree.js';

const SMALL = JSON.parse(read('test/contract/corpus/parsing.json')) as { [name: string]: string };
const CORPUS: [name: string, bytes: Buffer][] = [
  ...Object.entries(SMALL).map(([name, base64]): [string, Buffer] => [name, Buffer.from(base64, 'base64')]),
  ['n_structure_100000_opening_arrays', Buffer.from('['.repeat(100_000))],
  ['n_structure_open_array_object', Buffer.from(`${'[{"":'.repeat(50_000)}\n`)],
];
/** Of those that parsers may take or leave, these are taken: numbers beyond a double, and escapes of lone surrogates. */
const TAKEN = [
  ...['double_huge_neg_exp', 'huge_exp', 'neg_int_huge_exp', 'pos_double_huge_exp', 'real_neg_overflow'],
  ...['real_pos_overflow', 'real_underflow', 'too_big_neg_int', 'too_big_pos_int', 'very_big_negative_int'],
].map((name) => `i_number_${name}`);
const TAKEN_TEXTS = [
  ...[
    'object_key_lone_2nd_surrogate',
    'string_1st_surrogate_but_2nd_missing',
    'string_1st_valid_surrogate_2nd_invalid',
  ],
  ...['string_incomplete_surrogate_and_escape_valid', 'string_incomplete_surrogate_pair'],
  ...['string_incomplete_surrogates_escape_valid', 'string_invalid_lonely_surrogate', 'string_invalid_surrogate'],
  ...['string_inverted_surrogates_U+1D11E', 'string_lone_second_surrogate'],
].map((name) => `i_${name}`);
const ACCEPTED = new Set([
  ...CORPUS.map(([name]) => name).filter((name) => name.startsWith('y_')),
  ...TAKEN,
  ...TAKEN_TEXTS,
]);

interface Rejected {
  position: number;
  reason: string;
}

describe('the JSON parsing corpus', { skip: needs('mosquitto') }, () => {
  it('over MQTT each text is delivered byte for byte, or rejected for what it is', async (t) => {
    assert.equal(CORPUS.length, 318);
    const flow = await startFlow(t, {
      config: () => ({
        subscriptions: [{ filter: 'devices/#', contract: 'any' }],
        contracts: { any: { format: 'json' } },
      }),
    });
    const { receiver, broker, gateway } = flow;
    const device = await connectAsync(broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    for (const [, payload] of CORPUS) await device.publishAsync('devices/1', payload, { qos: 1 });
    await device.publishAsync('devices/1', '"the end"', { qos: 1 });
    await receiver.waitFor(ACCEPTED.size + 1, 60_000);
    const rejected = await rejections(flow);
    const positions = [
      ...receiver.requests.map(({ sequence }) => sequence),
      ...rejected.map(({ position }) => position),
    ];
    positions.sort((a, b) => a - b);
    assert.equal(positions.length, CORPUS.length + 1);
    const nameAt = new Map(CORPUS.map(([name], i) => [positions[i]!, name]));
    const delivered = receiver.requests.slice(0, -1);
    const names = delivered.map(({ sequence }) => nameAt.get(sequence)!);
    assert.deepEqual(names.toSorted(), [...ACCEPTED].sort());
    const bytes = new Map(CORPUS);
    for (const [i, { body }] of delivered.entries()) assert.deepEqual(body, bytes.get(names[i]!), names[i]);
    for (const { position, reason } of rejected)
      assert.match(reason, /^(syntax|encoding|too-deep)$/, nameAt.get(position));
    const counted = await Promise.all(
      ['syntax', 'encoding', 'too-deep'].map((reason) =>
        gateway.metric('holdfast_rejections_total', { contract: 'any', reason }),
      ),
    );
    assert.equal(
      counted.reduce((sum, count) => sum + count, 0),
      rejected.length,
    );
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'no reconnect');
    await until(async () => (await gateway.metric('holdfast_link_pending_acks')) === 0, { what: 'all acknowledged' });
  });

  it('over REST each text is published, or refused for what it is, by its contract; and as a whole body it is a clear refusal', async (t) => {
    const { gateway } = await startFlow(t, {
      config: () => ({
        contracts: { any: { format: 'json' } },
        publish: {
          allow: ['commands/#', 'raw/#'],
          maxPayload: '1MiB',
          contracts: [{ filter: 'commands/#', contract: 'any' }],
        },
      }),
    });
    const headers = { 'content-type': 'application/json' };
    for (const [name, payload] of CORPUS) {
      const payloadBase64 = payload.toString('base64');
      const published = await gateway.post('/v1/publish', { topic: 'commands/1', payloadBase64 });
      assert.equal(published.status, ACCEPTED.has(name) ? 200 : 422, name);
      if (published.status === 422) {
        const { code, reason } = (await published.json()) as { code: string; reason: string };
        assert.equal(code, 'CONTRACT_FAILED', name);
        assert.match(reason, /^(syntax|encoding|too-deep)$/, name);
      }
      assert.equal((await gateway.post('/v1/publish', { topic: 'raw/1', payloadBase64 })).status, 200, name);
      const body = new Uint8Array(payload);
      const refused = await gateway.http('/v1/publish', { method: 'POST', headers, body });
      assert.ok(refused.status >= 400 && refused.status < 500, `${name}: ${refused.status}`);
      assert.match(refused.headers.get('content-type') ?? '', /^application\/problem\+json/, name);
      assert.match(((await refused.json()) as { code: string }).code, /^[A-Z_]+$/, name);
    }
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'no reconnect');
  });
});

async function rejections({ gateway }: Flow): Promise<Rejected[]> {
  const all: Rejected[] = [];
  let next = '/v1/rejections?order=asc&limit=100';
  for (let page = 0; page < 20; page++) {
    const answer = (await (await gateway.http(next)).json()) as { items: Rejected[]; next?: number };
    all.push(...answer.items);
    if (answer.next === undefined) break;
    next = `/v1/rejections?order=asc&limit=100&after=${answer.next}`;
  }
  return all;
}
