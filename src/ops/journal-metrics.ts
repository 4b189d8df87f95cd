import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { JournalStats } from '../domain/journal.js';
import { REJECTION_REASONS, type Rejection } from '../domain/record.js';

const STATES: readonly JournalStats['state'][] = ['open', 'full'];
/** From a commit that a fast disk answers at once to one that a stalled disk holds. */
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 10];

/** What the journal thread counts. Every label value exists from the start. */
export class JournalMetrics {
  readonly registry = new Registry();
  readonly #commits: Histogram;
  readonly #rejections: Counter<'contract' | 'reason'>;
  #stats: JournalStats | undefined;

  /**
   * @param maxBytes what the journal may grow to
   * @param names label values that exist from the start
   * @param now wall-clock milliseconds
   */
  constructor(
    private readonly stats: () => Promise<JournalStats>,
    maxBytes: number,
    names: { contracts: readonly string[] },
    now: () => number,
  ) {
    const registers = [this.registry];
    const gauge = (name: string, help: string, value: (stats: JournalStats) => number): void => {
      const current = (): JournalStats | undefined => this.#stats;
      new Gauge({
        name,
        help,
        registers,
        collect() {
          const stats = current();
          if (stats) this.set(value(stats));
        },
      });
    };
    gauge('holdfast_journal_records', 'Records in the journal.', ({ records }) => records);
    gauge('holdfast_journal_bytes', 'Size of the journal: live pages and the log.', ({ bytes }) => bytes);
    gauge('holdfast_journal_max_bytes', 'What the journal may grow to.', () => maxBytes);
    gauge(
      'holdfast_unadmitted_records',
      'Records without a verdict: their contracts have not been asked, and no subscriber sees them yet.',
      ({ last, admitted }) => last - admitted,
    );
    gauge('holdfast_outbox_records', 'Publishes that wait for the broker.', ({ outbox }) => outbox);
    gauge('holdfast_outbox_oldest_seconds', 'How long the oldest of them has waited.', ({ oldestPublishAt: at }) =>
      at === undefined ? 0 : Math.max(0, (now() - at) / 1_000),
    );
    const latest = (): JournalStats | undefined => this.#stats;
    new Gauge({
      name: 'holdfast_journal_state',
      help: '1 for the state the journal is in.',
      labelNames: ['state'],
      registers,
      collect() {
        for (const state of STATES) this.set({ state }, latest()?.state === state ? 1 : 0);
      },
    });
    new Counter({
      name: 'holdfast_journal_corrupt_records_total',
      help: 'Records whose checksum did not hold.',
      registers,
      collect() {
        this.reset();
        this.inc(latest()?.corruptRecords ?? 0);
      },
    });
    new Gauge({
      name: 'holdfast_dead_letters',
      help: 'Records a subscriber could not be given.',
      labelNames: ['subscriber'],
      registers,
      collect() {
        this.reset(); // a subscriber that is removed leaves no series
        for (const [subscriber, count] of Object.entries(latest()?.deadLetters ?? {})) this.set({ subscriber }, count);
      },
    });
    this.#commits = new Histogram({
      name: 'holdfast_journal_commit_seconds',
      help: 'How long a transaction took until it was on disk.',
      buckets: COMMIT_SECONDS,
      registers,
    });
    this.#rejections = new Counter({
      name: 'holdfast_rejections_total',
      help: 'Records that failed their contract.',
      labelNames: ['contract', 'reason'],
      registers,
    });
    this.contracts(names.contracts);
  }

  /** Contracts with these names are in force. */
  contracts(names: readonly string[]): void {
    for (const contract of names) {
      for (const reason of REJECTION_REASONS) this.#rejections.inc({ contract, reason }, 0);
    }
  }

  observeCommit(seconds: number): void {
    this.#commits.observe(seconds);
  }

  rejected(rejections: readonly Rejection[]): void {
    for (const { contract, reason } of rejections) this.#rejections.inc({ contract, reason });
  }

  /** The Prometheus text. */
  async text(): Promise<string> {
    this.#stats = await this.stats();
    return this.registry.metrics();
  }
}
