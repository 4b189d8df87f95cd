/** What each format makes of an MQTT 5 message, as independent libraries read it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CloudEvent, HTTP } from 'cloudevents';
import { connectAsync } from 'mqtt';
import { Webhook } from 'standardwebhooks';
import { startFlow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import type { Received } from '../support/receiver.js';
import { scratchDirectory } from '../support/scratch.js';
import { read } from '../tidy/tree.js';

const SECRETS = ['a secret of thirty-two bytes, old', 'a secret of thirty-two bytes, new'].map(
  (text) => `whsec_${Buffer.from(text).toString('base64')}`,
);
const TEXT = '{"n": 12345678901234567890, "b": 1, "a": [1.50]}';
const BYTES = Buffer.from([0x00, 0xff, 0x7b]);

describe('formats', { skip: needs('mosquitto') }, () => {
  it('binary and structured events say the same, verify with each secret, and keep every byte', async (t) => {
    const { broker, receiver } = await startFlow(t, {
      config: ({ receiverUrl }) => ({
        subscribers: ['cloudevents', 'cloudevents-structured'].map((format) => ({
          id: format,
          format,
          url: receiverUrl.replace('/events', `/${format}`),
          topics: ['devices/#'],
          ordering: 'topic',
          signing: { secrets: SECRETS },
          auth: { basic: { username: 'holdfast', password: 'a b:c' } },
        })),
      }),
    });
    const client = await connectAsync(broker.url, { protocolVersion: 5 });
    t.after(() => client.endAsync(true));
    const topic = 'devices/ü 7/telemetry';
    const properties = {
      contentType: 'application/json',
      responseTopic: 'replies/7',
      correlationData: Buffer.from('hi'),
      userProperties: { site: ['north', 'süd'] },
    };
    await client.publishAsync(topic, TEXT, { qos: 1, properties });
    await client.publishAsync(topic, BYTES, { qos: 1 });
    await receiver.waitFor(({ requests }) => requests.length === 4);
    const sent = (format: string): Received[] => receiver.requests.filter(({ path }) => path === `/${format}`);
    const [[binary, binaryBytes], [structured, structuredBytes]] = [
      sent('cloudevents'),
      sent('cloudevents-structured'),
    ];
    for (const request of [binary!, structured!, structuredBytes!]) {
      for (const secret of SECRETS) {
        const headers = request.headers as { [name: string]: string };
        assert.deepEqual(
          new Webhook(secret).verify(request.body.toString(), headers),
          JSON.parse(request.body.toString()),
        );
      }
    }
    assert.equal(binary!.headers.authorization, `Basic ${Buffer.from('holdfast:a b:c').toString('base64')}`);
    const [one, other] = [eventOf(binary!), eventOf(structured!)];
    for (const name of ['id', 'source', 'type', 'specversion', 'time', 'sequence', 'datacontenttype', 'data']) {
      assert.deepEqual(one[name], other[name], name);
    }
    assert.equal(decodeURIComponent(one.subject!), other.subject);
    assert.deepEqual([other.subject, other['mqtttopic'], other['mqttqos']], [topic, topic, 1]);
    assert.deepEqual([other['mqttresponsetopic'], other['mqttcorrelationdata']], ['replies/7', 'aGk=']);
    assert.equal(other['mqttuserproperty'], 'site=north,site=s%C3%BCd');
    assert.equal(binary!.body.toString(), TEXT);
    assert.ok(structured!.body.toString().endsWith(`"data":${TEXT}}`));
    assert.deepEqual(binaryBytes!.body, BYTES);
    assert.equal(eventOf(structuredBytes!).data_base64, BYTES.toString('base64'));
    const isGenuine = await verifierOfThePage();
    for (const { headers, body } of receiver.requests) {
      for (const secret of SECRETS) assert.ok(isGenuine(headers, body, secret));
      assert.ok(!isGenuine(headers, Buffer.concat([body, Buffer.from(' ')]), SECRETS[0]!));
      assert.ok(!isGenuine({ ...headers, 'webhook-timestamp': '1614265330' }, body, SECRETS[0]!));
      assert.ok(!isGenuine(headers, body, `whsec_${Buffer.from('of somebody else').toString('base64')}`));
    }
  });
});

type Verifier = (headers: IncomingHttpHeaders, body: Buffer, secret: string) => boolean;

/** The one that docs/webhooks.md shows. */
async function verifierOfThePage(): Promise<Verifier> {
  const [, code] = /```js\n(\/\/ verify\.mjs\n[^]*?)```/.exec(read('docs/webhooks.md')) ?? [];
  const file = join(scratchDirectory('verify'), 'verify.mjs');
  writeFileSync(file, code!);
  return ((await import(file)) as { isGenuine: Verifier }).isGenuine;
}

function eventOf({ headers, body }: Received): CloudEvent<unknown> {
  const event = HTTP.toEvent({ headers, body: body.toString() });
  assert.ok(event instanceof CloudEvent && event.validate());
  return event;
}
