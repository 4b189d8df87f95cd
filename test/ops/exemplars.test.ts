/** Exemplars: from a bar of a histogram to the trace of what was measured there. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { exemplarsOf, openMetricsFlaws } from '../support/open-metrics.js';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.js';
import { until } from '../support/until.js';
import { promtool } from './promtool.js';

/** What Prometheus 2 sends. */
const ACCEPT =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const TOPIC = 'devices/7/telemetry';
const CALLER = { trace: 'c'.repeat(32), span: 'd'.repeat(16) };

interface Scrape {
  type: string;
  text: string;
}

async function scraped({ gateway }: Flow, accept: string): Promise<Scrape> {
  const answer = await fetch(`http://127.0.0.1:${gateway.ports.opsPort}/metrics`, { headers: { accept } });
  return { type: answer.headers.get('content-type')!, text: await answer.text() };
}

/** Delivers a message and publishes one. @returns the id of the record */
async function used(t: TestContext, flow: Flow): Promise<string> {
  const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
  t.after(() => device.endAsync(true));
  await device.publishAsync(TOPIC, '{}', { qos: 1 });
  await flow.receiver.waitFor(1);
  const traceparent = `00-${CALLER.trace}-${CALLER.span}-01`;
  const answer = await flow.gateway.post('/v1/publish', { topic: 'commands/a', payload: 'on' }, { traceparent });
  assert.equal(answer.status, 200);
  const counted = (): Promise<number> => flow.gateway.metric('holdfast_delivery_seconds_count');
  await until(async () => (await counted()) === 1, { what: () => `the delivery\n${flow.gateway.report}` });
  return String(flow.receiver.requests[0]!.headers['webhook-id']);
}

async function traced(t: TestContext, more: GatewayConfig = {}): Promise<{ flow: Flow; collector: OtlpReceiver }> {
  const collector = await startOtlpReceiver();
  t.after(() => collector.stop());
  const flow = await startFlow(t, {
    config: ({ brokerUrl }) => ({
      broker: { url: brokerUrl },
      publish: { allow: ['commands/#'] },
      tracing: { endpoint: collector.url, ...more },
    }),
  });
  return { flow, collector };
}

describe('exemplars', { skip: needs('mosquitto', 'promtool') }, () => {
  it('lead from attempts, deliveries and publishes to their spans, in OpenMetrics without a flaw', async (t) => {
    const { flow, collector } = await traced(t);
    const names = (text: string): string[] => text.split('\n').flatMap((line) => /^[^#{ ]+/.exec(line)?.[0] ?? []);
    const before = names((await scraped(flow, '*/*')).text);
    const id = await used(t, flow);
    const { type, text } = await scraped(flow, ACCEPT);
    assert.match(type, /^application\/openmetrics-text; version=1\.0\.0/);
    assert.deepEqual(openMetricsFlaws(text), []);
    const seen = exemplarsOf(text).map(({ series, labels }) => [series.split('_bucket')[0]!, labels] as const);
    const found = new Map(seen);
    assert.equal(seen.length, 3, text);
    const measured = (): boolean => ['deliver app', 'publish commands/#'].every((name) => spanOf(name) !== undefined);
    const spanOf = (name: string) => collector.spans.find((span) => span.name === name);
    await until(measured, { what: () => `the spans\n${flow.gateway.report}` });
    const deliver = { trace_id: id.replaceAll('-', ''), span_id: spanOf('deliver app')!.spanId };
    assert.deepEqual(found.get('holdfast_attempt_seconds'), deliver);
    assert.deepEqual(found.get('holdfast_delivery_seconds'), deliver);
    const publish = { trace_id: CALLER.trace, span_id: spanOf('publish commands/#')!.spanId };
    assert.deepEqual(found.get('holdfast_publish_seconds'), publish);

    const plain = await scraped(flow, '*/*');
    assert.match(plain.type, /^text\/plain; version=0\.0\.4/);
    assert.deepEqual(names(plain.text), before, 'what was asked before changes nothing');
    assert.deepEqual(promtool(['check', 'metrics'], plain.text), { code: 0, said: '' });
    assert.ok(!plain.text.includes(' # {'));
  });

  it('are of what is sampled only', async (t) => {
    const { flow } = await traced(t, { sample: 0.000001 });
    await used(t, flow);
    const { text } = await scraped(flow, ACCEPT);
    assert.deepEqual(openMetricsFlaws(text), []);
    assert.deepEqual(
      exemplarsOf(text).map(({ labels }) => labels['trace_id']),
      [CALLER.trace],
      'whose caller samples',
    );
  });

  it('without tracing everybody gets Prometheus text', async (t) => {
    const flow = await startFlow(t, {
      config: ({ brokerUrl }) => ({ broker: { url: brokerUrl }, publish: { allow: ['commands/#'] } }),
    });
    await used(t, flow);
    const { type, text } = await scraped(flow, ACCEPT);
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    assert.deepEqual(promtool(['check', 'metrics'], text), { code: 0, said: '' });
    assert.ok(!/ # \{|^# EOF/m.test(text));
  });
});
