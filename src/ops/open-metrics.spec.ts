import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exemplarsOf, openMetricsFlaws } from '../../test/support/open-metrics.js';
import { CAUSES } from '../domain/cause.js';
import { originOf } from '../domain/trace.js';
import { uuid7, uuidText } from '../domain/uuid.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { LinkMetrics } from './link-metrics.js';
import { openMetricsOf, prefersOpenMetrics } from './open-metrics.js';

const SPAN = originOf(uuidText(uuid7(Date.now())));
const LABELS = { trace_id: SPAN.traceId, span_id: SPAN.spanId };
const GOOD = '# HELP a_seconds A.\n# TYPE a_seconds histogram\na_seconds_bucket{le="1"} 1\n';

function measured(): DeliveryMetrics {
  const metrics = new DeliveryMetrics(['billing', 'app'], () => [], '1.2.3', true);
  metrics.attempt('billing', 'retry', 0.02, SPAN);
  metrics.attempt('billing', 'delivered', 700, SPAN);
  metrics.attempt('app', 'delivered', 0.02);
  metrics.delivered('billing', -5, SPAN);
  metrics.publish('published', 0.3, SPAN);
  metrics.publish('expired');
  return metrics;
}

describe('the check of OpenMetrics', () => {
  it('finds what it does not allow', () => {
    assert.deepEqual(openMetricsFlaws(`${GOOD}# EOF\n`), []);
    assert.deepEqual(openMetricsFlaws(`${GOOD}a_seconds_bucket{le="+Inf"} 1 # {trace_id="x"} 7 1.5\n# EOF\n`), []);
    for (const line of [
      ...['', '# EOF', 'a_seconds 1', 'b_total 1', '# A remark.', '# TYPE b gauge', '# HELP a_seconds Again.'],
      ...['# HELP b "B".', 'a_seconds_bucket 1', 'a_seconds_sum{le="1"} 1', 'a_seconds_count 1 # {a="b"} 1'],
      ...['a_seconds_bucket{le="1"} 1 # {a="b"} 2', 'a_seconds_bucket{le="1"} 1 # {} 1', 'a_seconds_sum one'],
      `a_seconds_bucket{le="1"} 1 # {a="${'b'.repeat(128)}"} 1`,
    ]) {
      assert.deepEqual(openMetricsFlaws(`${GOOD}${line}\n# EOF\n`), [line]);
    }
    assert.deepEqual(openMetricsFlaws('# HELP b_total B.\n# TYPE b_total counter\n# EOF\n'), [
      '# TYPE b_total counter',
    ]);
    for (const end of ['', '# EOF', '# EOF\n\n']) assert.ok(openMetricsFlaws(GOOD + end).length > 0, end);
  });
});

describe('metrics with exemplars', () => {
  it('tell of each bucket the span it was measured in last; of what is not traced, nothing', async () => {
    const text = openMetricsOf(await measured().text(true));
    assert.deepEqual(openMetricsFlaws(text), []);
    assert.deepEqual(exemplarsOf(text), [
      { series: 'holdfast_attempt_seconds_bucket{le="0.025",subscriber="billing"}', labels: LABELS, value: 0.02 },
      { series: 'holdfast_attempt_seconds_bucket{le="+Inf",subscriber="billing"}', labels: LABELS, value: 700 },
      { series: 'holdfast_delivery_seconds_bucket{le="0.001",subscriber="billing"}', labels: LABELS, value: 0 },
      { series: 'holdfast_publish_seconds_bucket{le="0.5"}', labels: LABELS, value: 0.3 },
    ]);
  });

  it('are without them the text they would be had nothing been traced, however often both are asked for', async () => {
    const comparable = (text: string): string[] => text.split('\n').filter((line) => !/process_|nodejs_/.test(line));
    const untraced = new DeliveryMetrics(['billing', 'app'], () => [], '1.2.3');
    untraced.attempt('billing', 'retry', 0.02, SPAN);
    untraced.attempt('billing', 'delivered', 700);
    untraced.attempt('app', 'delivered', 0.02);
    untraced.delivered('billing', -5);
    untraced.publish('published', 0.3);
    untraced.publish('expired');
    const plain = comparable(await untraced.registry.metrics());
    assert.ok(plain.includes('holdfast_attempts_total{subscriber="billing",outcome="retry"} 1'));
    assert.deepEqual(comparable(await untraced.text(true)), plain, 'not traced');
    const metrics = measured();
    for (let i = 0; i < 2; i++) {
      await metrics.text(true);
      assert.deepEqual(comparable(await metrics.text(false)), plain);
    }
  });

  it('begin anew with the label, and end with the subscriber', async () => {
    const metrics = measured();
    const series = async (): Promise<string[]> => exemplarsOf(await metrics.text(true)).map((one) => one.series);
    metrics.removed('billing');
    assert.deepEqual(await series(), ['holdfast_publish_seconds_bucket{le="0.5"}']);
    for (let i = 0; i < 50; i++) metrics.added(`s${i}`);
    metrics.delivered('s3', 2, SPAN);
    assert.deepEqual((await series())[0], 'holdfast_delivery_seconds_bucket{le="5"}');
  });
});

describe('OpenMetrics of Prometheus text', () => {
  it('names counters without their suffix and has no blank line', async () => {
    const link = new LinkMetrics(
      () => undefined,
      () => ['a "b"\\c\nd'],
      () => ({ main: 1 }),
      () => undefined,
    );
    const texts = [await link.registry.metrics(), await measured().text(true)];
    const text = openMetricsOf(texts.join('\n'));
    assert.deepEqual(openMetricsFlaws(text), []);
    assert.match(text, /^# TYPE holdfast_link_drops counter$/m);
    assert.ok(text.includes(`\nholdfast_link_drops_total{cause="${CAUSES[0]}"} 0\n`));
    const count = (one: string): number => one.split('\n').filter((line) => line !== '' && line[0] !== '#').length;
    assert.equal(count(text), count(texts.join('\n')), 'no sample is lost');
  });

  it('of nothing is nothing', () => {
    assert.equal(openMetricsOf(''), '# EOF\n');
  });

  it('is for who prefers it', () => {
    const prometheus = [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
    ];
    for (const accept of [...prometheus, 'Application/OpenMetrics-Text', 'application/openmetrics-text ; q=0.1']) {
      assert.ok(prefersOpenMetrics(accept), accept);
    }
    for (const accept of [
      ...[undefined, '', '*/*', 'text/plain', 'application/openmetrics-text;q=0', 'application/openmetrics-text;q=x'],
      ...['application/openmetrics-text;version=2.0.0', 'application/openmetrics-text;q=0.5, text/plain', ',;=,'],
    ]) {
      assert.ok(!prefersOpenMetrics(accept), accept);
    }
  });
});
