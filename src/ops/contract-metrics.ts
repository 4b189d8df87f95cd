import { Counter, type Registry } from 'prom-client';
import type { ContractSettings, FailureCount } from '../domain/contract.js';
import { REJECTION_REASONS } from '../domain/record.js';

/** What failed its contract, in either mode. Every label value exists from the start. */
export class ContractMetrics {
  readonly #publishes: Counter<'contract' | 'reason' | 'mode'>;
  /** Of threads that have ended, by labels. */
  #before = new Map<string, FailureCount>();
  #now = new Map<string, FailureCount>();

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['contract', 'reason', 'mode'] as const;
    const sums = (): FailureCount[] => this.#sums();
    new Counter({
      name: 'holdfast_contract_failures_total',
      help: 'Records that failed their contract; in mode shadow they were delivered all the same.',
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const { count, ...labels } of sums()) this.inc(labels, count);
      },
    });
    this.#publishes = new Counter({
      name: 'holdfast_publish_contract_failures_total',
      help: 'Publishes that failed their contract; in mode shadow they went out all the same.',
      labelNames,
      registers,
    });
  }

  /**
   * These are in force from now on. What others have counted stays: counters do not forget.
   * @param published names of the contracts of publishes
   */
  inForce(contracts: readonly Pick<ContractSettings, 'name' | 'mode'>[], published: ReadonlySet<string>): void {
    for (const { name: contract, mode } of contracts) {
      for (const reason of REJECTION_REASONS) {
        const labels = { contract, mode, reason };
        const key = keyOf(labels);
        if (!this.#before.has(key)) this.#before.set(key, { ...labels, count: 0 });
        if (published.has(contract)) this.#publishes.inc(labels, 0);
      }
    }
  }

  /** @param counts since the contract thread that runs now began */
  failures(counts: readonly FailureCount[]): void {
    this.#now = new Map(counts.map((count) => [keyOf(count), count]));
  }

  /** The contract thread has ended; the next one counts from 0. */
  threadEnded(): void {
    this.#before = new Map(this.#sums().map((count) => [keyOf(count), count]));
    this.#now.clear();
  }

  publishFailed(labels: Omit<FailureCount, 'count'>): void {
    this.#publishes.inc(labels);
  }

  #sums(): FailureCount[] {
    const labels = new Map([...this.#now, ...this.#before]);
    return [...labels].map(([key, one]) => {
      return { ...one, count: (this.#before.get(key)?.count ?? 0) + (this.#now.get(key)?.count ?? 0) };
    });
  }
}

function keyOf({ contract, reason, mode }: Omit<FailureCount, 'count'>): string {
  return `${mode} ${reason} ${contract}`;
}
