import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { CloudEvent, HTTP } from 'cloudevents';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { systemClock } from '../../domain/clock.js';
import { HttpSender } from './http-sender.js';
import {
  FIRST,
  httpServer,
  NOW,
  recordOf,
  recordWith,
  SECRET,
  senderTo,
  settingsOf,
  valuesOf,
} from './sending.fixture.js';

describe('the request that a webhook receives', () => {
  it('gains no header, no body and no second request from what a publisher wrote', async (t) => {
    const { url, received } = await httpServer(t);
    const sender = senderTo(t, url);
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.constantFrom(
        'a\r\nevil: 1',
        'a\r\n\r\nPOST /evil HTTP/1.1\r\n\r\n',
        '\nevil: 1',
        '\0',
        '\u010d\u010a',
        ' ',
        '',
      ),
    );
    const hostile = fc.record({
      topic: text,
      properties: fc.record({
        contentType: text,
        responseTopic: text,
        correlationData: text,
        userProperties: fc.array(fc.tuple(fc.oneof(text, fc.constant('traceparent')), text), { maxLength: 4 }),
      }),
    });
    const known =
      /^(host|connection|content-length|user-agent|content-type|(mqtt|ce|webhook)-[a-z-]+|holdfast-attempt)$/;
    await fc.assert(
      fc.asyncProperty(hostile, async (changes) => {
        received.length = 0;
        const record = recordOf(changes);
        assert.deepEqual(await sender.send(record, FIRST), { kind: 'delivered' });
        assert.equal(received.length, 1);
        const [{ path, rawHeaders, body }] = received as [(typeof received)[0]];
        assert.equal(path, '/events');
        assert.deepEqual(body, record.payload);
        for (let i = 0; i < rawHeaders.length; i += 2) assert.match(rawHeaders[i]!, known);
        const properties = valuesOf(rawHeaders, 'mqtt-user-property');
        assert.equal(properties.length, record.properties!.userProperties!.length);
      }),
      { numRuns: 200 },
    );
  });

  it('carries the payload byte for byte, an empty one too', async (t) => {
    const { url, received } = await httpServer(t);
    const sender = senderTo(t, url);
    const whole = Uint8Array.from({ length: 70_000 }, (_, i) => i * 31);
    for (const payload of [whole, whole.subarray(300, 556), new Uint8Array(0), whole.subarray(5, 5)]) {
      await sender.send(recordOf({ payload }), FIRST);
      const { body, headers } = received.at(-1)!;
      assert.deepEqual(body, Buffer.from(payload));
      assert.equal(headers['content-length'], `${payload.length}`);
    }
  });

  it('is a CloudEvent to the reference library', async (t) => {
    const { url, received } = await httpServer(t);
    const payload = Buffer.from('{"temperature":21.5}');
    const topic = 'devices/7 "ü"/telemetry%';
    const record = recordOf({ topic, payload, properties: { contentType: 'application/json' } });
    await senderTo(t, url).send(record, FIRST);
    const { headers, body } = received[0]!;
    const event = HTTP.toEvent({ headers, body: body.toString() });
    assert.ok(event instanceof CloudEvent && event.validate());
    assert.equal(event.id, record.id);
    assert.equal(event.source, 'urn:uuid:019c13a0-aaaa-7000-8000-000000000009');
    assert.equal(event.type, 'mqtt.message');
    assert.equal(event.specversion, '1.0');
    assert.equal(event.time, new Date(record.receivedAt).toISOString());
    assert.equal(event['sequence'], '00000000000000000042');
    assert.equal(decodeURIComponent(event.subject!), topic);
    assert.equal(event.datacontenttype, 'application/json');
    assert.deepEqual(event.data, { temperature: 21.5 });
  });

  it('is signed, as the reference library finds', async (t) => {
    const { url, received } = await httpServer(t);
    const options = { source: 'urn:x', userAgent: 'holdfast/0', clock: systemClock };
    const sender = new HttpSender(settingsOf(url, { signing: { secrets: [SECRET] } }), options);
    t.after(() => sender.close());
    await sender.send(recordOf(), FIRST);
    const { headers, body } = received[0]!;
    const verified = new Webhook(SECRET).verify(body.toString(), headers as { [name: string]: string });
    assert.deepEqual(verified, { temperature: 21.5 });
    assert.throws(() => new Webhook(SECRET).verify(`${body.toString()} `, headers as { [name: string]: string }));
  });

  it('structured: the event is the body, signed as it is sent', async (t) => {
    const { url, received } = await httpServer(t);
    const changes = { format: 'cloudevents-structured' as const, signing: { secrets: [SECRET] } };
    const sender = new HttpSender(settingsOf(url, changes), {
      source: 'urn:uuid:019c13a0-aaaa-7000-8000-000000000009',
      userAgent: 'holdfast/0',
      clock: systemClock,
    });
    t.after(() => sender.close());
    const big = '{"count": 12345678901234567890, "b": 1, "a": 2}';
    const record = recordOf({ payload: Buffer.from(big), properties: { userProperties: [['site', 'nörd']] } });
    await sender.send(record, { attempt: 2, replay: true });
    const { headers, body } = received[0]!;
    const text = body.toString();
    assert.ok(text.endsWith(`"data":${big}}`), text);
    const verified = new Webhook(SECRET).verify(text, headers as { [name: string]: string });
    assert.deepEqual(verified, JSON.parse(text));
    const event = HTTP.toEvent({ headers, body: text });
    assert.ok(event instanceof CloudEvent && event.validate());
    assert.equal(event.id, headers['webhook-id']);
    assert.equal(event['mqttuserproperty'], 'site=n%C3%B6rd');
    assert.deepEqual([headers['holdfast-attempt'], headers['holdfast-replay']], ['2', 'true']);
    assert.deepEqual(
      Object.keys(headers).filter((name) => /^(ce|mqtt)-/.test(name)),
      [],
    );
  });

  it('a binary payload is signed by its bytes', async (t) => {
    const { url, received } = await httpServer(t);
    const payload = Buffer.from([0, 0x80, 0xff, 0x0a]);
    await senderTo(t, url, { signing: { secrets: [SECRET] } }).send(recordOf({ payload }), FIRST);
    const { headers, body } = received[0]!;
    const signed = Buffer.concat([
      Buffer.from(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.`),
      body,
    ]);
    const expected = createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64'))
      .update(signed)
      .digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${expected}`);
  });

  it('carries the credentials, and a header of the subscriber’s own wins', async (t) => {
    const { url, received } = await httpServer(t);
    const basic = { username: 'holdfast', password: 'grüße:1' };
    await senderTo(t, url, { auth: { bearer: 'token-1' } }).send(recordOf(), FIRST);
    await senderTo(t, url, { auth: { basic } }).send(recordOf(), FIRST);
    await senderTo(t, url, { auth: { bearer: 'x' }, headers: { Authorization: 'Own 1' } }).send(recordOf(), FIRST);
    const encoded = Buffer.from('holdfast:grüße:1').toString('base64');
    assert.deepEqual(
      received.map(({ rawHeaders }) => valuesOf(rawHeaders, 'authorization')),
      [['Bearer token-1'], [`Basic ${encoded}`], ['Own 1']],
    );
  });

  it('has the headers that are promised', async (t) => {
    const { origin, received } = await httpServer(t);
    const headers = { Authorization: 'Bearer token-1', 'X-Site': 'north', 'Content-Type': 'application/senml+json' };
    const sender = senderTo(t, `${origin}/in?a=1&b=%20`, { headers });
    const record = recordWith({
      contentType: 'text/plain',
      responseTopic: 'replies/7',
      correlationData: 'aGk=',
      userProperties: [
        ['a', '1'],
        ['a=b', 'x, y'],
      ],
    });
    await sender.send({ ...record, retain: true }, { attempt: 3, replay: true });
    const { method, path, headers: seen, rawHeaders } = received[0]!;
    assert.deepEqual([method, path], ['POST', '/in?a=1&b=%20']);
    const expected = {
      'user-agent': 'holdfast/9.9.9',
      authorization: 'Bearer token-1',
      'x-site': 'north',
      'content-type': 'application/senml+json',
      'mqtt-topic': 'devices/7/telemetry',
      'mqtt-qos': '1',
      'mqtt-retain': 'true',
      'mqtt-content-type': 'text/plain',
      'mqtt-response-topic': 'replies/7',
      'mqtt-correlation-data': 'aGk=',
      'webhook-id': record.id,
      'webhook-timestamp': `${Math.floor(NOW / 1_000)}`,
      'holdfast-attempt': '3',
      'holdfast-replay': 'true',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(seen[name], value, name);
    assert.equal(seen['webhook-signature'], undefined);
    assert.deepEqual(valuesOf(rawHeaders, 'mqtt-user-property'), ['a=1', 'a%3Db=x%2C%20y']);
    assert.deepEqual(valuesOf(rawHeaders, 'content-type'), ['application/senml+json']);
  });

  it('raw: without the CloudEvents headers', async (t) => {
    const { url, received } = await httpServer(t);
    await senderTo(t, url, { format: 'raw' }).send(recordOf(), FIRST);
    const names = Object.keys(received[0]!.headers);
    assert.deepEqual(
      names.filter((name) => name.startsWith('ce-')),
      [],
    );
    assert.ok(['mqtt-topic', 'webhook-id', 'holdfast-attempt'].every((name) => names.includes(name)));
    assert.ok(!names.includes('holdfast-replay'));
  });
});
