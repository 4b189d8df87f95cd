/** Traces, as a collector sees them: whole, with links where nobody waits, and never in anybody's way. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { attributeOf, startOtlpReceiver, type OtlpReceiver, type SpanSeen } from '../support/otlp-receiver.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

const A = { trace: 'a'.repeat(32), span: 'b'.repeat(16) };
const B = { trace: 'c'.repeat(32), span: 'd'.repeat(16) };
const ERROR = 2;
const [INTERNAL, CLIENT, PRODUCER, CONSUMER] = [1, 3, 4, 5];
const TOPIC = 'devices/7/telemetry';

const WATCHES_LOADS = `import { registerHooks } from 'node:module';
registerHooks({
  resolve(name, context, next) {
    const found = next(name, context);
    if (/@opentelemetry.(sdk|exporter|otlp|resources|core)/.test(found.url)) console.error('LOADED ' + found.url);
    return found;
  },
});`;

const parentOf = ({ trace, span }: typeof A, flags = '01'): string => `00-${trace}-${span}-${flags}`;

interface Scene {
  flow: Flow;
  collector: OtlpReceiver;
  device: MqttClient;
}

async function scene(
  t: TestContext,
  more: (receiverUrl: string, brokerUrl: string) => GatewayConfig = () => ({}),
): Promise<Scene> {
  const collector = await startOtlpReceiver();
  t.after(() => collector.stop());
  const flow = await startFlow(t, {
    config: ({ receiverUrl, brokerUrl }) => ({
      contracts: { reading: { format: 'json' } },
      subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', qos: 1, contract: 'reading' }],
      subscribers: [{ id: 'app', url: receiverUrl, topics: ['devices/#'], retry: { schedule: ['50ms', '50ms'] } }],
      publish: { allow: ['commands/#'] },
      tracing: { endpoint: collector.url, headers: { 'x-tenant': 'ours' }, service: 'edge-7' },
      ...more(receiverUrl, brokerUrl),
    }),
  });
  const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
  t.after(() => device.endAsync(true));
  return { flow, collector, device };
}

/** The trace of a record once it has so many spans. */
async function traceOf({ collector, flow }: Scene, id: string, count: number): Promise<SpanSeen[]> {
  const traceId = id.replaceAll('-', '');
  const what = (): string => `${count} spans of ${traceId}\n${JSON.stringify(collector.spans)}\n${flow.gateway.report}`;
  await until(() => collector.trace(traceId).length >= count, { what });
  return collector.trace(traceId);
}

const idOf = ({ headers }: { headers: NodeJS.Dict<string | string[]> }): string => String(headers['webhook-id']);

describe('traces', { skip: needs('mosquitto') }, () => {
  it('one from the publisher to the webhook is seen whole, with every attempt', async (t) => {
    const all = await scene(t);
    const { flow, collector, device } = all;
    let refusals = 1;
    flow.receiver.answer = () => (refusals-- > 0 ? { status: 503 } : undefined);
    await device.publishAsync(TOPIC, '{}', { qos: 1, properties: { userProperties: { traceparent: parentOf(A) } } });
    await until(() => flow.receiver.requests.length === 2, { what: () => `two attempts\n${flow.gateway.report}` });
    const id = idOf(flow.receiver.requests[0]!);
    const spans = await traceOf(all, id, 5);
    const [receive] = spans.filter(({ kind }) => kind === CONSUMER);
    assert.equal(receive!.name, 'receive devices/+/telemetry');
    assert.deepEqual([receive!.parentSpanId || undefined, receive!.traceId], [undefined, id.replaceAll('-', '')]);
    const links = receive!.links!.map(({ traceId, spanId }) => [traceId, spanId]);
    assert.deepEqual(links, [[A.trace, A.span]], 'linked to the publisher, who does not wait');
    assert.equal(attributeOf(receive!, 'messaging.message.id'), id);
    assert.equal(attributeOf(receive!, 'messaging.client.id'), 'gateway');
    const parts = spans.filter((span) => span !== receive);
    assert.ok(parts.every(({ parentSpanId }) => parentSpanId === receive!.spanId));
    const inside = parts.filter(({ kind }) => kind === INTERNAL).map(({ name }) => name);
    assert.deepEqual(inside.sort(), ['contract reading', 'journal']);
    const attempts = parts.filter(({ kind }) => kind === CLIENT);
    assert.deepEqual(
      attempts.map(({ name, status }) => [name, status.code === ERROR, status.message]),
      [
        ['deliver app', true, 'status'],
        ['deliver app', false, undefined],
      ],
    );
    assert.deepEqual(
      attempts.map((span) => [attributeOf(span, 'holdfast.attempt'), attributeOf(span, 'http.response.status_code')]),
      [
        ['1', '503'],
        ['2', undefined],
      ],
    );
    const told = flow.receiver.requests.map(({ headers }) => headers['traceparent']);
    assert.deepEqual(
      told,
      attempts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
      'the webhook may go on with the span of its attempt',
    );
    assert.doesNotMatch(JSON.stringify(collector.spans), new RegExp(TOPIC), 'a topic is no name and no attribute');
    assert.equal(collector.headers[0]!['x-tenant'], 'ours');
    assert.ok(
      collector.resources[0]!.some(({ key, value }) => key === 'service.name' && value.stringValue === 'edge-7'),
    );
  });

  it('a rejection says why; after a kill the attempts belong to the same trace', async (t) => {
    const all = await scene(t, (url) => ({
      subscribers: [{ id: 'app', url, topics: ['devices/#'], retry: { schedule: Array(20).fill('500ms') } }],
    }));
    const { flow, collector, device } = all;
    flow.receiver.answer = () => ({ status: 503 });
    await device.publishAsync(TOPIC, 'no JSON', { qos: 1 });
    await device.publishAsync(TOPIC, '{}', { qos: 1 });
    await until(() => flow.receiver.requests.length > 0, { what: 'an attempt' });
    const id = idOf(flow.receiver.requests[0]!);
    const failed = (): SpanSeen[] =>
      collector.spans.filter(({ name, status }) => name.startsWith('contract') && status.code === ERROR);
    await until(() => failed().length === 1, { what: 'the rejection' });
    assert.equal(failed()[0]!.status.message, 'syntax');
    const [receive] = await traceOf(all, id, 4);
    await flow.gateway.kill();
    flow.receiver.answer = () => undefined;
    await flow.restart();
    const delivered = (): SpanSeen | undefined =>
      collector.spans.find(({ name, status }) => name === 'deliver app' && status.code !== ERROR);
    await until(() => delivered() !== undefined, { what: () => `the delivery\n${flow.gateway.report}` });
    const { traceId, parentSpanId } = delivered()!;
    assert.deepEqual([traceId, parentSpanId], [id.replaceAll('-', ''), receive!.spanId]);
  });

  it('a publish goes on with the trace of its request, and the device can go on with it', async (t) => {
    const { flow, collector, device } = await scene(t);
    const heard = new Promise<string>((resolve) =>
      device.on('message', (_topic, _payload, { properties }) =>
        resolve(String(properties?.userProperties?.['traceparent'])),
      ),
    );
    await device.subscribeAsync('commands/#', { qos: 1 });
    const answer = await flow.gateway.post(
      '/v1/publish',
      { topic: 'commands/a', payload: 'on' },
      { traceparent: parentOf(B) },
    );
    assert.equal(answer.status, 200);
    const { id } = (await answer.json()) as { id: string };
    await until(() => collector.trace(B.trace).length === 2, { what: () => `two spans\n${flow.gateway.report}` });
    const spans = collector.trace(B.trace);
    const publish = spans.find(({ kind }) => kind === PRODUCER)!;
    const send = spans.find(({ kind }) => kind === CLIENT)!;
    assert.deepEqual([publish.name, publish.parentSpanId], ['publish commands/#', B.span]);
    assert.deepEqual([send.name, send.parentSpanId], ['send', publish.spanId]);
    assert.equal(attributeOf(send, 'messaging.message.id'), id);
    assert.equal(await heard, `00-${B.trace}-${send.spanId}-01`);
  });

  it('what the caller does not sample is passed on as it is, and is no span', async (t) => {
    const { flow, collector, device } = await scene(t);
    const heard = new Promise<string>((resolve) =>
      device.on('message', (_topic, _payload, { properties }) =>
        resolve(String(properties?.userProperties?.['traceparent'])),
      ),
    );
    await device.subscribeAsync('commands/#', { qos: 1 });
    await flow.gateway.post('/v1/publish', { topic: 'commands/a', payload: 'on' }, { traceparent: parentOf(B, '00') });
    assert.equal(await heard, parentOf(B, '00'));
    await device.publishAsync(TOPIC, '{}', { qos: 1 });
    await until(() => collector.spans.length >= 4, { what: 'spans of the record' });
    assert.deepEqual(collector.trace(B.trace), []);
  });

  it('a batch is a trace of its own, linked to its records', async (t) => {
    const { flow, collector, device } = await scene(t, (url) => ({
      subscribers: [
        {
          ...{ id: 'bulk', url, topics: ['devices/#'] },
          format: 'cloudevents-batch',
          batch: { maxMessages: 3, maxWait: '5s' },
        },
      ],
    }));
    await Promise.all([1, 2, 3].map((n) => device.publishAsync(TOPIC, `{"n":${n}}`, { qos: 1 })));
    const deliver = (): SpanSeen | undefined => collector.spans.find(({ name }) => name === 'deliver bulk');
    await until(() => deliver() !== undefined, { what: () => `the batch\n${flow.gateway.report}` });
    const { traceId, spanId, parentSpanId, links } = deliver()!;
    assert.ok(
      !parentSpanId && !collector.spans.some((span) => span.name !== 'deliver bulk' && span.traceId === traceId),
    );
    const received = collector.spans.filter(({ kind }) => kind === CONSUMER).map((span) => span.spanId);
    assert.deepEqual(links!.map((link) => link.spanId).sort(), received.sort());
    assert.equal(flow.receiver.requests[0]!.headers['traceparent'], `00-${traceId}-${spanId}-01`);
  });

  it('what is given again is a trace of its own, linked to the one of its record', async (t) => {
    const all = await scene(t);
    const { flow, collector, device } = all;
    await device.publishAsync(TOPIC, '{}', { qos: 1 });
    await flow.receiver.waitFor(1);
    const id = idOf(flow.receiver.requests[0]!);
    const [receive] = await traceOf(all, id, 4);
    assert.equal((await flow.gateway.post('/v1/subscribers/app/replay', { from: 1 })).status, 202);
    const again = (): SpanSeen | undefined =>
      collector.spans.find((one) => attributeOf(one, 'holdfast.replay') === 'true');
    await until(() => again() !== undefined, { what: () => `the attempt\n${flow.gateway.report}` });
    const { name, traceId, spanId, parentSpanId, links } = again()!;
    assert.deepEqual([name, parentSpanId || undefined], ['deliver app', undefined]);
    assert.deepEqual(collector.trace(traceId).length, 1);
    assert.deepEqual(
      links!.map((link) => [link.traceId, link.spanId]),
      [[id.replaceAll('-', ''), receive!.spanId]],
    );
    assert.equal(collector.trace(receive!.traceId).length, 4, 'nothing is added to what was whole');
    const { headers } = flow.receiver.requests[1]!;
    assert.deepEqual([headers['webhook-id'], headers['traceparent']], [id, `00-${traceId}-${spanId}-01`]);
  });

  it('with MQTT 3.1.1 no context comes or goes, and each side of the broker is whole', async (t) => {
    const all = await scene(t, (_, url) => ({ broker: { url, protocol: '3.1.1' } }));
    const { flow, collector, device } = all;
    const heard = new Promise<unknown>((resolve) =>
      device.on('message', (_topic, _payload, { properties }) => resolve(properties?.userProperties)),
    );
    await device.subscribeAsync('commands/#', { qos: 1 });
    await device.publishAsync(TOPIC, '{}', { qos: 1, properties: { userProperties: { traceparent: parentOf(A) } } });
    await flow.receiver.waitFor(1);
    const spans = await traceOf(all, idOf(flow.receiver.requests[0]!), 4);
    const names = spans.map(({ name }) => name).sort();
    assert.deepEqual(names, ['contract reading', 'deliver app', 'journal', 'receive devices/+/telemetry']);
    const receive = spans.find(({ kind }) => kind === CONSUMER)!;
    assert.ok(!receive.parentSpanId && !receive.links?.length);
    assert.ok(spans.every((span) => span === receive || span.parentSpanId === receive.spanId));
    const command = { topic: 'commands/a', payload: 'on' };
    const answer = await flow.gateway.post('/v1/publish', command, { traceparent: parentOf(B) });
    assert.equal(answer.status, 200);
    assert.equal(await heard, undefined);
    await until(() => collector.trace(B.trace).length === 2, { what: () => `two spans\n${flow.gateway.report}` });
    const [publish, send] = [PRODUCER, CLIENT].map((wanted) =>
      collector.trace(B.trace).find(({ kind }) => kind === wanted)!,
    );
    assert.deepEqual([publish!.parentSpanId, send!.parentSpanId], [B.span, publish!.spanId]);
  });

  for (const [how, status] of [
    ['refuses everything', 500],
    ['never answers', 0],
    ['is not there', undefined],
  ] as const) {
    it(`a collector that ${how} holds up nothing, and what it was not given is counted`, async (t) => {
      const { flow, collector, device } = await scene(t);
      const { gateway, receiver } = flow;
      if (status === undefined) await collector.stop();
      else collector.status = status;
      const count = 1_000;
      await Promise.all(Array.from({ length: count }, (_, n) => device.publishAsync(TOPIC, `{"n":${n}}`, { qos: 1 })));
      await until(() => new Set(receiver.requests.map(idOf)).size === count, { what: () => `all\n${gateway.report}` });
      const lost = (): Promise<number> => gateway.metric('holdfast_traces_dropped_total');
      await until(async () => (await lost()) > 0, { what: () => `lost spans to be counted\n${gateway.report}` });
      assert.equal(await gateway.metric('holdfast_link_up'), 1);
      assert.ok(gateway.logs.some(({ msg }) => msg === 'spans were lost'));
      const begun = performance.now();
      assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
      assert.ok(performance.now() - begun < 10_000);
    });
  }

  it('off: nothing of OpenTelemetry is loaded, and what a message says of itself is passed on', async (t) => {
    const hook = join(scratchDirectory('hook'), 'hook.mjs');
    writeFileSync(hook, WATCHES_LOADS);
    const loads = async (tracing: GatewayConfig): Promise<boolean> => {
      const flow = await startFlow(t, {
        gateway: { nodeArgs: ['--import', hook] },
        config: ({ brokerUrl }) => ({ broker: { url: brokerUrl }, tracing }),
      });
      const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
      t.after(() => device.endAsync(true));
      await device.publishAsync(TOPIC, '{}', { qos: 1, properties: { userProperties: { traceparent: parentOf(A) } } });
      await flow.receiver.waitFor(1);
      assert.equal(flow.receiver.requests[0]!.headers['traceparent'] === parentOf(A), !('endpoint' in tracing));
      await flow.gateway.stop();
      return /LOADED .*@opentelemetry/.test(flow.gateway.tail);
    };
    assert.deepEqual([await loads({}), await loads({ endpoint: 'http://127.0.0.1:9' })], [false, true]);
  });
});
