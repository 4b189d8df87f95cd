import type { Clock } from '../domain/clock.js';
import { failpoint } from '../domain/failpoint.js';
import type { AcceptRefusal, EmitJournalEvent, Journal } from '../domain/journal.js';
import type { Acceptance, KeptAnswer, OutboxEntry, PublishKey, PublishResult } from '../domain/publish.js';
import { HoldfastError } from '../domain/errors.js';
import type { GroupCommit } from './group-commit.js';
import type { OutboxTable } from './outbox.js';

/** More than this at once is read from the outbox by whoever wants it. */
const TOLD_ENTRIES_MAX = 256;
const TOLD_BYTES_MAX = 256 * 1024;

interface Surroundings {
  commit: Pick<GroupCommit, 'run'>;
  clock: Clock;
  emit: EmitJournalEvent;
  full: () => boolean;
  /** Of so many bytes, on disk. */
  weightOf: (bytes: number) => number;
}

/** The outbox, as the Journal port has it. */
export class Publishes implements Pick<Journal, 'accept' | 'keepAnswer' | 'outbox' | 'confirm' | 'expireOutbox'> {
  /** Accepted in one transaction, to be told at once. */
  #fresh: OutboxEntry[] = [];
  /** Somebody waits until their ends are on disk. */
  readonly #keyed = new Set<number>();

  constructor(
    private readonly table: OutboxTable,
    private readonly around: Surroundings,
  ) {}

  accept(acceptances: Acceptance[]): Promise<(AcceptRefusal | null)[]> {
    return Promise.all(acceptances.map((acceptance) => this.#accept(acceptance)));
  }

  keepAnswer(key: PublishKey, answers: KeptAnswer[]): Promise<void> {
    return this.around.commit.run(() => this.table.keys.keep(key, answers));
  }

  outbox(afterSequence: number, limit: number): Promise<OutboxEntry[]> {
    return Promise.resolve(this.table.next(afterSequence, limit));
  }

  async confirm(results: PublishResult[]): Promise<void> {
    const finish = (): PublishResult[] => this.table.finish(results, this.around.clock.now());
    const lazy = !results.some(({ sequence }) => this.#keyed.has(sequence));
    const ended = await this.around.commit.run(finish, results.length, { lazy });
    for (const { sequence } of results) this.#keyed.delete(sequence);
    failpoint('concluded', ended.length);
    this.around.emit('confirmed', ended);
  }

  async expireOutbox(at: number, afterSequence: number): Promise<void> {
    const expired = (): PublishResult[] => this.table.expired(at, afterSequence);
    if (expired().length === 0) return;
    const results = await this.around.commit.run(() => this.table.finish(expired(), at));
    this.around.emit('confirmed', results);
  }

  async #accept(acceptance: Acceptance): Promise<AcceptRefusal | null> {
    const { full, weightOf, commit } = this.around;
    const noRoom: AcceptRefusal = { code: 'JOURNAL_FULL', message: 'the journal has no room' };
    if (full()) return noRoom;
    const bytes = acceptance.publishes.reduce((sum, { payload }) => sum + payload.length, 0);
    const weight = acceptance.publishes.length + weightOf(bytes);
    // A value, because what is thrown undoes the transaction for everybody in it.
    const adding = commit.run(() => (full() ? noRoom : this.#add(acceptance)), weight);
    const taken = await adding.catch(refusalOf);
    if (!Array.isArray(taken)) return taken;
    failpoint('outboxed', taken.length);
    if (this.#fresh.length === 0) queueMicrotask(() => this.#tell());
    this.#fresh.push(...taken);
    if (acceptance.kept) for (const { sequence } of taken) this.#keyed.add(sequence);
    return null;
  }

  #add(acceptance: Acceptance): OutboxEntry[] | AcceptRefusal {
    const taken = this.table.add(acceptance);
    failpoint('accepting', acceptance.publishes.length);
    return taken;
  }

  #tell(): void {
    const entries = this.#fresh;
    this.#fresh = [];
    const bytes = entries.reduce((sum, { payload }) => sum + payload.length, 0);
    this.around.emit('outbox', entries.length > TOLD_ENTRIES_MAX || bytes > TOLD_BYTES_MAX ? [] : entries);
  }
}

/** One of many that were asked about in one call: the others have answers of their own. */
function refusalOf(error: unknown): AcceptRefusal {
  if (error instanceof HoldfastError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}
