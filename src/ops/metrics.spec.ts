import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { metricSum, parseMetrics, type Metrics } from '../../test/support/metrics-text.js';
import { CAUSES, type Diagnosis } from '../domain/cause.js';
import type { JournalStats } from '../domain/journal.js';
import type { LinkStatus } from '../domain/link.js';
import { REJECTION_REASONS } from '../domain/record.js';
import { DeliveryMetrics, PUBLISH_OUTCOMES, SUBSCRIBER_STATES, type SubscriberFigures } from './delivery-metrics.js';
import { JournalMetrics } from './journal-metrics.js';
import { LinkMetrics } from './link-metrics.js';

/** A name that the text format has to escape. */
const AWKWARD = 'a "b"\\c\nd{e="f"} 1';
const SUBSCRIBERS = ['billing', 'constructor'];

const STATS: JournalStats = {
  state: 'open',
  stateReason: '',
  records: 5,
  bytes: 4_096,
  outbox: 2,
  oldestPublishAt: 1_000,
  corruptRecords: 1,
  deadLetters: { billing: 3 },
  rejections: 0,
  last: 9,
  admitted: 9,
};

function linkMetrics(status?: Partial<LinkStatus>): LinkMetrics {
  return new LinkMetrics(
    () => status && ({ denied: {}, unanswered: [], ...status } as unknown as LinkStatus),
    () => [AWKWARD, 'b'],
    () => ({ link: 5, main: 1_500 }),
    () => ({ lost: 5, held: true, waitMs: 0 }),
  );
}

function journalMetrics(stats: JournalStats = STATS): JournalMetrics {
  const names = { contracts: ['telemetry'] };
  return new JournalMetrics(
    () => Promise.resolve(stats),
    8_192,
    names,
    () => 61_000,
  );
}

function deliveryMetrics(ids: readonly string[] = SUBSCRIBERS, figures: SubscriberFigures[] = []): DeliveryMetrics {
  return new DeliveryMetrics(ids, () => figures, '1.2.3');
}

async function read(metrics: { registry: { metrics(): Promise<string> } }): Promise<Metrics> {
  return parseMetrics(await metrics.registry.metrics());
}

function diagnosis(cause: Diagnosis['cause']): Diagnosis {
  return { cause, confidence: 'certain', evidence: [], mend: '' };
}

/** What breaks the text format of one line after another. */
function flawsOf(text: string): string[] {
  const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
  const sample = new RegExp(
    String.raw`^[a-zA-Z_:][\w:]*(?:\{${label}(?:,${label})*\})? (?:[+-]?Inf|[Nn]a[Nn]|[-+.\de]+)$`,
  );
  const comment = /^# (HELP [a-zA-Z_:][\w:]* \S.*|TYPE [a-zA-Z_:][\w:]* (counter|gauge|histogram|summary))$/;
  return text.split('\n').filter((line) => line !== '' && !sample.test(line) && !comment.test(line));
}

describe('the metrics of all threads together', () => {
  it('are text that can be parsed, with each series and each name once', async () => {
    const journal = journalMetrics();
    const texts = [
      linkMetrics({ state: 'up' }).registry.metrics(),
      journal.text(),
      deliveryMetrics().registry.metrics(),
    ];
    const text = (await Promise.all(texts)).join('\n');
    assert.deepEqual(flawsOf(text), []);
    assert.deepEqual(flawsOf('a{b="c"d"} 1\nx'), ['a{b="c"d"} 1', 'x'], 'the rule finds what it forbids');
    const lines = text.split('\n').filter((line) => line !== '');
    const series = lines.filter((line) => !line.startsWith('#')).map((line) => line.slice(0, line.lastIndexOf(' ')));
    const names = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2]!);
    for (const found of [series, names]) {
      assert.ok(found.length > 20);
      assert.deepEqual(
        found.filter((one, i) => found.indexOf(one) !== i),
        [],
      );
    }
    for (const one of series) {
      const name = one.split('{')[0]!;
      assert.ok(
        names.some((type) => name === type || /^_(bucket|sum|count)$/.test(name.slice(type.length))),
        one,
      );
    }
  });
});

describe('every label value exists from the start', () => {
  it('link: causes, results, subscriptions, QoS, reasons, threads', async () => {
    const metrics = await read(linkMetrics());
    for (const name of ['refused', 'reconnects', 'drops']) {
      for (const cause of CAUSES) assert.equal(metricSum(metrics, `holdfast_link_${name}_total`, { cause }), 0);
    }
    for (const result of ['resumed', 'lost']) {
      assert.equal(metricSum(metrics, 'holdfast_link_session_resumes_total', { result }), 0);
    }
    assert.equal(metrics.get('holdfast_link_subscription_denied{subscription="a \\"b\\"\\\\c\\nd{e=\\"f\\"} 1"}'), 0);
    for (const qos of ['0', '1', '2']) assert.equal(metricSum(metrics, 'holdfast_messages_received_total', { qos }), 0);
    assert.equal(metricSum(metrics, 'holdfast_messages_dropped_total', { reason: 'overrun' }), 0);
    assert.equal(metricSum(metrics, 'holdfast_thread_delay_seconds', { thread: 'main' }), 1.5);
    assert.deepEqual([metrics.get('holdfast_link_up'), metrics.get('holdfast_link_pending_acks')], [0, 0]);
  });

  it('journal: states, rejections, dead letters', async () => {
    const metrics = parseMetrics(await journalMetrics().text());
    for (const reason of REJECTION_REASONS) {
      assert.equal(metricSum(metrics, 'holdfast_rejections_total', { contract: 'telemetry', reason }), 0);
    }
    for (const state of ['open', 'full']) {
      assert.equal(metricSum(metrics, 'holdfast_journal_state', { state }), state === 'open' ? 1 : 0);
    }
    assert.equal(metricSum(metrics, 'holdfast_dead_letters', { subscriber: 'billing' }), 3);
    assert.equal(metrics.get('holdfast_journal_commit_seconds_count'), 0);
  });

  it('journal: a subscriber named after what every object inherits has no dead letters', async () => {
    const stats = { ...STATS, deadLetters: { billing: 3, constructor: 0 } };
    const metrics = parseMetrics(await journalMetrics(stats).text());
    assert.equal(metricSum(metrics, 'holdfast_dead_letters', { subscriber: 'constructor' }), 0);
  });

  it('delivery: outcomes, states and lag of each subscriber, also before anything is delivered', async () => {
    const metrics = await read(deliveryMetrics());
    for (const subscriber of SUBSCRIBERS) {
      for (const outcome of ['delivered', 'retry', 'throttled', 'dead']) {
        assert.equal(metricSum(metrics, 'holdfast_attempts_total', { subscriber, outcome }), 0);
      }
      assert.equal(metricSum(metrics, 'holdfast_dead_lettered_records_total', { subscriber }), 0);
      for (const state of SUBSCRIBER_STATES) {
        assert.equal(metricSum(metrics, 'holdfast_subscriber_state', { subscriber, state }), 0);
      }
      for (const unit of ['records', 'seconds']) {
        assert.equal(metricSum(metrics, `holdfast_subscriber_lag_${unit}`, { subscriber }), 0);
      }
      for (const name of ['attempt', 'delivery']) {
        assert.equal(metricSum(metrics, `holdfast_${name}_seconds_count`, { subscriber }), 0);
      }
    }
    for (const outcome of PUBLISH_OUTCOMES)
      assert.equal(metricSum(metrics, 'holdfast_publishes_total', { outcome }), 0);
    assert.equal(metricSum(metrics, 'holdfast_build_info', { version: '1.2.3', node: process.version }), 1);
  });
});

describe('what happens is counted where it belongs', () => {
  it('link: drops and refusals by cause, reconnects by the cause of the drop', async () => {
    const metrics = linkMetrics({ state: 'up', pendingAcks: 4, unanswered: ['b'], denied: { b: null, canary: 0x87 } });
    metrics.observe({ kind: 'refused', diagnosis: diagnosis('dns') });
    metrics.observe({ kind: 'up', sessionPresent: false, reconnect: false, after: undefined });
    metrics.observe({ kind: 'down' });
    metrics.observe({ kind: 'dropped', diagnosis: diagnosis('keepalive-timeout') });
    metrics.observe({ kind: 'up', sessionPresent: true, reconnect: true, after: 'keepalive-timeout' });
    metrics.observe({ kind: 'session-lost', from: 0, to: 1 });
    const found = await read(metrics);
    const counted = [...found].filter(([name, value]) => value !== 0 && !name.includes('thread')).map(([name]) => name);
    assert.deepEqual(counted.sort(), [
      'holdfast_link_connects_total',
      'holdfast_link_drops_total{cause="keepalive-timeout"}',
      'holdfast_link_pending_acks',
      'holdfast_link_reconnects_total{cause="keepalive-timeout"}',
      'holdfast_link_refused_total{cause="dns"}',
      'holdfast_link_session_resumes_total{result="lost"}',
      'holdfast_link_session_resumes_total{result="resumed"}',
      'holdfast_link_subscription_denied{subscription="b"}',
      'holdfast_link_subscription_unanswered{subscription="b"}',
      'holdfast_link_up',
    ]);
    assert.equal(found.get('holdfast_link_connects_total'), 2);
  });

  it('totals that others keep are shown, not added up with every scrape', async () => {
    const counters = { received: [1, 2, 3], journaled: 6, dropped: 7 } as unknown as LinkStatus['counters'];
    const link = linkMetrics({ counters });
    const journal = journalMetrics();
    await link.registry.metrics();
    await journal.text();
    const metrics = new Map([...(await read(link)), ...parseMetrics(await journal.text())]);
    assert.equal(metricSum(metrics, 'holdfast_messages_received_total'), 6);
    assert.equal(metricSum(metrics, 'holdfast_messages_dropped_total'), 7);
    assert.equal(metrics.get('holdfast_messages_journaled_total'), 6);
    assert.equal(metrics.get('holdfast_journal_corrupt_records_total'), 1);
    assert.deepEqual(
      ['journal_records', 'journal_bytes', 'outbox_records'].map((name) => metrics.get(`holdfast_${name}`)),
      [5, 4_096, 2],
    );
  });

  it('link: a silent canary, and contract threads that do not end', async () => {
    const found = await read(linkMetrics({ canary: { silent: true, seconds: 40 } }));
    const names = ['link_canary_silent', 'link_canary_seconds', 'contract_threads_lost', 'contract_threads_held'];
    assert.deepEqual(
      names.map((name) => found.get(`holdfast_${name}`)),
      [1, 40, 5, 1],
    );
    assert.equal((await read(linkMetrics())).get('holdfast_link_canary_silent'), 0);
  });

  it('journal: what it may grow to, and the age of the oldest publish', async () => {
    const found = parseMetrics(await journalMetrics().text());
    assert.deepEqual(
      [found.get('holdfast_journal_max_bytes'), found.get('holdfast_outbox_oldest_seconds')],
      [8_192, 60],
    );
    const { oldestPublishAt, ...none } = STATS;
    assert.ok(oldestPublishAt);
    assert.equal(parseMetrics(await journalMetrics(none).text()).get('holdfast_outbox_oldest_seconds'), 0);
  });

  it('delivery: attempts, times and the state each subscriber is in', async () => {
    const figures: SubscriberFigures[] = [{ id: 'billing', state: 'broken', lagRecords: 7, lagSeconds: 1.5 }];
    const metrics = deliveryMetrics(SUBSCRIBERS, figures);
    metrics.attempt('billing', 'retry', 0.02);
    metrics.delivered('billing', -5);
    metrics.deadLettered('billing');
    metrics.publish('queued', 0.1);
    const found = await read(metrics);
    const of = (name: string, labels: object = {}): number | undefined =>
      metricSum(found, `holdfast_${name}`, { subscriber: 'billing', ...labels });
    assert.deepEqual([of('attempts_total', { outcome: 'retry' }), of('attempts_total')], [1, 1]);
    assert.equal(of('dead_lettered_records_total'), 1);
    assert.deepEqual(
      [of('attempt_seconds_sum'), of('delivery_seconds_sum'), of('delivery_seconds_count')],
      [0.02, 0, 1],
    );
    assert.deepEqual([of('subscriber_lag_records'), of('subscriber_lag_seconds')], [7, 1.5]);
    assert.deepEqual([of('subscriber_state', { state: 'broken' }), of('subscriber_state')], [1, 1]);
    assert.equal(metricSum(found, 'holdfast_publishes_total', { outcome: 'queued' }), 1);
  });

  it('beyond 50 subscribers the histograms lose their label, and nothing else does', async () => {
    const ids = Array.from({ length: 51 }, (_, i) => `s${i}`);
    const metrics = deliveryMetrics(ids);
    metrics.attempt('s50', 'delivered', 0.02);
    metrics.delivered('s50', 0.1);
    const found = await read(metrics);
    assert.equal(found.get('holdfast_attempt_seconds_count'), 1);
    assert.equal(found.get('holdfast_delivery_seconds_count'), 1);
    assert.equal([...found.keys()].filter((name) => /_seconds_count\{subscriber/.test(name)).length, 0);
    assert.equal(metricSum(found, 'holdfast_attempts_total', { subscriber: 's50', outcome: 'delivered' }), 1);
    assert.equal(
      metricSum(await read(deliveryMetrics(ids.slice(1))), 'holdfast_attempt_seconds_count', { subscriber: 's50' }),
      0,
    );
  });

  it('a subscriber that comes has its series at once, and leaves none behind', async () => {
    const figures: SubscriberFigures[] = [];
    const metrics = deliveryMetrics(['one'], figures);
    metrics.added('two');
    metrics.attempt('two', 'delivered', 1);
    metrics.delivered('two', 1);
    figures.push({ id: 'two', state: 'active', lagRecords: 1, lagSeconds: 1 });
    const names = async (subscriber: string): Promise<number> =>
      [...(await read(metrics)).keys()].filter((name) => name.includes(`subscriber="${subscriber}"`)).length;
    const each = await names('one');
    assert.ok(each > 30);
    assert.equal(await names('two'), each);
    figures.pop();
    metrics.removed('two');
    assert.deepEqual([await names('two'), await names('one')], [0, each]);
    const journal = journalMetrics({ ...STATS, deadLetters: { two: 1 } });
    assert.equal(metricSum(parseMetrics(await journal.text()), 'holdfast_dead_letters', { subscriber: 'two' }), 1);
  });

  it('the histograms lose their label with the 51st subscriber, and get it back when one goes', async () => {
    const metrics = deliveryMetrics(Array.from({ length: 50 }, (_, i) => `s${i}`));
    const labelled = async (): Promise<number> =>
      [...(await read(metrics)).keys()].filter((name) => /_seconds_count\{subscriber/.test(name)).length;
    assert.equal(await labelled(), 100);
    metrics.attempt('s0', 'delivered', 1);
    metrics.added('s50');
    metrics.attempt('s50', 'delivered', 1);
    assert.equal(await labelled(), 0);
    assert.equal((await read(metrics)).get('holdfast_attempt_seconds_count'), 1);
    assert.equal((await read(metrics)).get('holdfast_delivery_seconds_count'), 0);
    metrics.removed('s0');
    assert.equal(await labelled(), 100);
    assert.equal((await read(metrics)).get('holdfast_attempt_seconds_count'), undefined);
  });

  it('rejections and commits are counted by the journal thread', async () => {
    const metrics = journalMetrics({ ...STATS, state: 'full' });
    metrics.rejected([{ position: 1, contract: 'telemetry', reason: 'schema', problems: [] }]);
    metrics.observeCommit(0.003);
    const found = parseMetrics(await metrics.text());
    assert.equal(metricSum(found, 'holdfast_rejections_total'), 1);
    assert.equal(metricSum(found, 'holdfast_journal_state', { state: 'full' }), 1);
    assert.equal(found.get('holdfast_journal_commit_seconds_bucket{le="0.005"}'), 1);
  });
});
