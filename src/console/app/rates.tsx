/** What came and went, and how fast; and the journal, where it waits. */
import { useMemo, useState } from 'preact/hooks';
import { ago, bytes, count, percent, rate, span } from '../shown/format.js';
import { countsPerSecond, levels } from '../shown/series.js';
import type { Rates as RatesAnswer, Status } from '../shown/types.js';
import { Chart } from './chart.js';
import { status, nowMs } from './live.js';
import { AsOf, Choice, Facts, Mark, Panel, ProblemNote, stale } from './parts.js';
import { useRead } from './read.js';

const SPANS = { '1 h': '1h', '24 h': '24h' } as const;

function useRates() {
  const [chosen, choose] = useState<keyof typeof SPANS>('1 h');
  const { data, problem } = useRead<RatesAnswer>(`v1/rates?span=${SPANS[chosen]}`, chosen === '1 h' ? 5_000 : 60_000);
  const choice = <Choice name="Span" values={SPANS} chosen={chosen} choose={(key) => choose(key)} />;
  return { rates: data, problem, choice, chosen };
}

export function Rates() {
  const { rates, problem, choice, chosen } = useRates();
  return (
    <Panel title="Rates" aside={choice}>
      <ProblemNote problem={problem} />
      {rates && <RateCharts key={chosen} rates={rates} />}
    </Panel>
  );
}

function RateCharts({ rates }: { rates: RatesAnswer }) {
  const series = useMemo(
    () => ({
      messages: countsPerSecond(rates, {
        Received: 'received',
        Journaled: 'journaled',
        Dropped: 'dropped',
        Rejected: 'rejected',
      }),
      attempts: countsPerSecond(rates, {
        Delivered: 'delivered',
        Throttled: 'throttled',
        Dead: 'dead',
        Retried: 'retried',
      }),
      publishes: countsPerSecond(rates, { Published: 'published', Refused: 'refused' }),
      lag: levels(rates, { Records: 'lagRecords' }),
    }),
    [rates],
  );
  return (
    <div class="charts">
      <Chart title="Messages from the broker" series={series.messages} format={rate} least={1} />
      <Chart title="Attempts at subscribers" series={series.attempts} format={rate} least={1} />
      <Chart title="Publishes" series={series.publishes} format={rate} least={1} />
      <Chart title="Records that wait for subscribers" series={series.lag} format={count} least={10} />
    </div>
  );
}

export function Journal() {
  const { rates, problem, choice, chosen } = useRates();
  const journal = status.value?.journal;
  return (
    <Panel title="Journal" aside={choice}>
      {journal && <AsOf seen={journal} />}
      {journal && (
        <Facts
          rows={[
            [
              'State',
              <>
                <JournalState journal={journal} /> {journal.reason}
              </>,
            ],
            [
              'Size',
              `${bytes(journal.bytes)} of ${bytes(journal.maxBytes)}, ${percent(journal.bytes / (journal.maxBytes || 1))}`,
            ],
            ['Records', `${count(journal.records)}, the newest at position ${journal.last}`],
            ['To be checked', count(Math.max(0, journal.last - journal.admitted))],
            ['Outbox', count(journal.outbox)],
            [
              'Commits',
              `p50 ${span(journal.commitSeconds.p50)}, p99 ${span(journal.commitSeconds.p99)}, at most ${span(journal.commitSeconds.max)}`,
            ],
            [
              'Damaged',
              journal.corruptRecords === 0 ? 'none' : <Mark level="critical">{count(journal.corruptRecords)}</Mark>,
            ],
            ['As of', ago(journal.asOf, nowMs.value)],
          ]}
        />
      )}
      <ProblemNote problem={problem} />
      {rates && <JournalCharts key={chosen} rates={rates} maxBytes={journal?.maxBytes} />}
    </Panel>
  );
}

export function JournalState({ journal }: { journal: Status['journal'] }) {
  const level = stale(journal) ? 'unknown' : journal.state === 'full' ? 'critical' : 'well';
  return <Mark level={level}>{journal.state}</Mark>;
}

function JournalCharts({ rates, maxBytes }: { rates: RatesAnswer; maxBytes?: number }) {
  const series = useMemo(
    () => ({
      size: levels(rates, { Size: 'journalBytes' }),
      commits: levels(rates, { 'Slowest commit': 'commitSecondsMax' }),
    }),
    [rates],
  );
  const limit = maxBytes === undefined ? undefined : { label: 'journal.maxSize', value: maxBytes };
  return (
    <div class="charts">
      <Chart title="Size" series={series.size} format={bytes} least={1024 * 1024} limit={limit} />
      <Chart title="Slowest commit" series={series.commits} format={span} least={0.01} />
    </div>
  );
}
