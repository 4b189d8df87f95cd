import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HTTP, type CloudEventV1 } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { batchBody, batchId } from './batch-body.js';
import { FIRST, httpServer, recordOf, recordWith, SECRET, senderTo } from './sending.fixture.js';

const SOURCE = 'urn:uuid:019c13a0-aaaa-7000-8000-000000000009';
const records = [
  recordOf(),
  recordOf({ position: 43, id: 'b', topic: 'a b/"ü"', payload: Buffer.from('{"z":1, "a": 1.50e1}') }),
  recordOf({ position: 44, id: 'c', payload: Buffer.from([0xff, 0]) }),
  { ...recordWith({ contentType: 'text/plain' }), position: 45, id: 'd', payload: Buffer.from('17') },
];

describe('a batch that a webhook receives', () => {
  it('is read back by the CloudEvents library, signed as a whole, under one id', async (t) => {
    const { url, received } = await httpServer(t);
    const sender = senderTo(t, url, { format: 'cloudevents-batch', signing: { secrets: [SECRET] } });
    assert.deepEqual(await sender.sendBatch(records, { ...FIRST, replay: true }), { kind: 'delivered' });
    const [{ headers, body }] = received as [(typeof received)[0]];
    assert.equal(headers['content-type'], 'application/cloudevents-batch+json');
    assert.deepEqual([headers['holdfast-attempt'], headers['holdfast-replay']], ['1', 'true']);
    assert.equal(headers['mqtt-topic'] ?? headers['ce-id'], undefined);
    assert.equal(headers['webhook-id'], batchId(records));
    const timestamp = new Date(Number(headers['webhook-timestamp']) * 1_000);
    const signature = new Webhook(SECRET).sign(batchId(records), timestamp, body.toString());
    assert.equal(headers['webhook-signature'], signature);

    const events = HTTP.toEvent({ headers, body: body.toString() }) as CloudEventV1<unknown>[];
    assert.deepEqual(
      events.map(({ id, subject, source, sequence }) => [id, subject, source, Number(sequence)]),
      records.map(({ id, topic, position }) => [id, topic, SOURCE, position]),
    );
    assert.deepEqual(events[0]!.data, { temperature: 21.5 });
    assert.deepEqual(Buffer.from(events[2]!.data_base64!, 'base64'), records[2]!.payload);
    assert.equal(Buffer.from(events[3]!.data_base64!, 'base64').toString(), '17');
  });

  it('holds the text of a JSON payload as it came', () => {
    assert.ok(batchBody(records, { source: SOURCE }).toString().includes('"data":{"z":1, "a": 1.50e1}}'));
    assert.equal(batchBody([records[0]!], { source: SOURCE }).toString().at(0), '[');
  });

  it('has the id of its records and their order', () => {
    assert.equal(batchId(records), batchId([...records]));
    assert.notEqual(batchId(records), batchId(records.toReversed()));
    assert.notEqual(batchId(records), batchId(records.slice(1)));
    assert.match(batchId(records), /^[0-9a-f]{64}$/);
  });
});
