import { setImmediate, setTimeout } from 'node:timers/promises';
import { HoldfastError } from '../domain/errors.js';
import { failpoint } from '../domain/failpoint.js';
import type { FailureCount, Verdict } from '../domain/contract.js';
import { REJECTION_REASONS } from '../domain/record.js';
import type { Record, Rejection, RejectionReason } from '../domain/record.js';
import type { Checked, ContractFacts, Contracts } from './contracts.js';
import { problem } from './problem.js';
import type { Progress } from './progress.js';

/** Where records come from; a JournalReader is one. */
export interface AdmissionSource {
  /** Records after `position` and up to `through`, oldest first. No records: there are none left up to `through`. */
  recordsAfter(position: number, through: number, limit: number): Record[];
}

/** Where verdicts go; a Journal is one. */
export interface AdmissionSink {
  /**
   * Every record up to `through` has its verdict. Called in order, the next time after this one resolved. Rejects
   * with a retryable error when nothing was kept, and is then called again with the same.
   */
  admit(through: number, rejections: Rejection[]): Promise<void>;
}

export interface AdmissionOptions {
  source: AdmissionSource;
  sink: AdmissionSink;
  progress: Progress;
  /** Every record up to here already has its verdict. */
  after: number;
  /** Records not to be checked, because their check ended a thread before. */
  condemned?: ReadonlyMap<number, RejectionReason>;
  /** Told of each record that failed a contract in mode `shadow`. */
  onShadowed?: (failure: Rejection) => void;
  /** Told of each check as it ends, and when it began; wall clock, milliseconds since the epoch. */
  onChecked?: (record: Record, contract: string, begun: number, verdict: Verdict) => void;
  /** Milliseconds until a sink without room is asked again. Default 1 000. */
  retryMs?: number;
}

const RECORDS_PER_STEP = 256;
/** Checks that were asked for besides, between two steps. */
const ASKED_PER_STEP = 64;
const RETRY_MS = 1_000;
/**
 * While records are condemned: a thread that ends has the records of its unfinished step checked again, and what was
 * condemned is forgotten with the process. So each verdict is kept before the next check.
 */
const CAREFUL_RECORDS_PER_STEP = 1;

const CONDEMNED_MESSAGES: { [reason in RejectionReason]?: string } = {
  timeout: 'the check of this record did not end within its budget',
  crashed: 'the check of this record ended its thread',
};

/** One cursor that gives each record its verdict, once and in order. Runs inside the contract thread. */
export class Admission {
  readonly #contracts: Contracts;
  readonly #options: AdmissionOptions;
  readonly #condemned: Map<number, RejectionReason>;
  readonly #counts = new Map<string, FailureCount>();
  #cursor: number;
  #committed = 0;
  #stopped = false;
  #wake: (() => void) | undefined;
  #fault: string | undefined;
  #failures = 0;
  /** Checks that were asked for besides. */
  #asked: { run: () => Promise<void>; reject: (error: Error) => void }[] = [];

  constructor(contracts: Contracts, options: AdmissionOptions) {
    this.#contracts = contracts;
    this.#options = options;
    this.#cursor = options.after;
    this.#condemned = new Map(options.condemned);
    for (const { name, mode } of contracts.list()) {
      for (const reason of REJECTION_REASONS) {
        this.#counts.set(`${reason} ${name}`, { contract: name, mode, reason, count: 0 });
      }
    }
  }

  /** Every record up to here has its verdict in the sink. */
  get cursor(): number {
    return this.#cursor;
  }

  /** The sum of {@link counts}. */
  get failures(): number {
    return this.#failures;
  }

  /** Since this object was made; every contract and reason is there from the start. */
  counts(): FailureCount[] {
    return Array.from(this.#counts.values(), (count) => ({ ...count }));
  }

  /** Records up to `committed` may be read. */
  notify(committed: number): void {
    this.#committed = Math.max(this.#committed, committed);
    this.#wake?.();
  }

  /** {@link run} ends after the step under way. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** Contract code failed outside of its check: an unhandled rejection, an exception in a callback. */
  fault(description: string): void {
    this.#fault = description;
  }

  /**
   * Checks records that have their verdict by the contracts as they are now. Nothing is kept or counted of it. In turn
   * with admission, because one check runs at a time. @returns those that fail a contract that is enforced
   */
  checkAgain(records: readonly Record[]): Promise<Rejection[]> {
    return this.#ask(() => this.#rejectionsOf(records));
  }

  /**
   * What the contract of something to be published says, whatever its mode. Counted by nobody here. In turn, as
   * {@link checkAgain}. @param id tells the check apart while it runs: negative, and never the same twice
   */
  async checkPublish(id: number, publish: Checked): Promise<Verdict> {
    const contract = this.#contracts.publishContractFor(publish.topic);
    if (!contract) return { valid: true };
    return this.#ask(async () => this.#watched(id, contract, publish));
  }

  /**
   * Works until {@link stop}. Called once. The event loop turns between steps, so that messages get
   * in. Rejects when the source or the sink fails; the cursor then still tells what is done.
   */
  async run(): Promise<void> {
    while (!this.#stopped) {
      for (let left = Math.min(this.#asked.length, ASKED_PER_STEP); left > 0; left--) await this.#asked.shift()!.run();
      if (this.#cursor < this.#committed) {
        await this.#step();
        await setImmediate();
      } else if (this.#asked.length === 0) await this.#notified();
    }
    for (const { reject } of this.#asked) reject(new Error('admission has ended'));
  }

  #ask<T>(check: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ run: async () => resolve(await check()), reject });
      this.#wake?.();
    });
  }

  async #rejectionsOf(records: readonly Record[]): Promise<Rejection[]> {
    const rejections: Rejection[] = [];
    for (const record of records) {
      const contract = this.#contracts.contractFor(record.topic);
      const verdict = contract && (await this.#check(record, contract));
      if (verdict && !verdict.valid && contract.mode === 'enforce') {
        rejections.push({ position: record.position, ...rejected(verdict) });
      }
    }
    return rejections;
  }

  async #notified(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }

  async #step(): Promise<void> {
    const { source, onChecked } = this.#options;
    const through = this.#committed;
    const limit = this.#condemned.size > 0 ? CAREFUL_RECORDS_PER_STEP : RECORDS_PER_STEP;
    // Where no subscription names a contract there is nothing to look at.
    const records = this.#contracts.inForce ? source.recordsAfter(this.#cursor, through, limit) : [];
    const last = records.at(-1)?.position ?? through;
    const rejections: Rejection[] = [];
    for (const record of records) {
      const contract = this.#contracts.contractFor(record.topic);
      if (!contract) continue;
      const begun = onChecked ? Date.now() : 0;
      const checked = this.#check(record, contract);
      // Only where it must be waited for: a promise per record costs as much as checking it.
      const verdict = checked instanceof Promise ? await checked : checked;
      onChecked?.(record, contract.name, begun, verdict);
      const rejection = this.#judge(record, contract, verdict);
      if (rejection) rejections.push(rejection);
    }
    if (!(await this.#admit(last, rejections))) return;
    failpoint('admitted', last - this.#cursor);
    this.#cursor = last;
    for (const position of this.#condemned.keys()) if (position <= last) this.#condemned.delete(position);
  }

  /**
   * Rejections need room. On a full disk they wait for it here, because a thread that ended instead would end again
   * and again, and the process with it. @returns false when stopped meanwhile
   */
  async #admit(through: number, rejections: Rejection[]): Promise<boolean> {
    while (!this.#stopped) {
      try {
        await this.#options.sink.admit(through, rejections);
        return true;
      } catch (error) {
        if (!(error instanceof HoldfastError && error.retryable)) throw error;
        await setTimeout(this.#options.retryMs ?? RETRY_MS);
      }
    }
    return false;
  }

  /** The record's rejection, when it failed a contract that is enforced. */
  #judge({ position }: Record, { mode }: ContractFacts, verdict: Verdict): Rejection | undefined {
    if (verdict.valid) return undefined;
    const count = this.#counts.get(`${verdict.reason} ${verdict.contract}`);
    if (count) count.count++;
    this.#failures++;
    const failure = { position, ...rejected(verdict) };
    if (mode === 'enforce') return failure;
    this.#options.onShadowed?.(failure);
    return undefined;
  }

  #check(record: Record, contract: ContractFacts): Verdict | Promise<Verdict> {
    const reason = this.#condemned.get(record.position);
    if (reason !== undefined) return failed(contract.name, reason, CONDEMNED_MESSAGES[reason] ?? reason);
    return this.#watched(record.position, contract, record);
  }

  /** @param number position of a record, or, below 0, number of a publish */
  #watched(number: number, { name, runsCode, budgetMs }: ContractFacts, checked: Checked): Verdict | Promise<Verdict> {
    const { progress } = this.#options;
    this.#fault = undefined;
    progress.checking(number, budgetMs);
    const verdict = number > 0 ? this.#contracts.check(checked) : this.#contracts.checkPublish(checked);
    if (runsCode) return this.#settled(name, checked, verdict);
    progress.idle();
    return verdict;
  }

  /**
   * The verdict after a turn of the event loop, so that what an async function left behind runs, spins or fails under
   * this record's name; otherwise the thread would end with nobody to blame, again and again.
   */
  async #settled(name: string, checked: Checked, verdict: Verdict): Promise<Verdict> {
    await setImmediate();
    this.#options.progress.idle();
    if (this.#fault === undefined) return verdict;
    return failed(name, 'threw', this.#contracts.withoutSecrets(name, checked, this.#fault));
  }
}

function rejected({ contract, reason, problems }: Extract<Verdict, { valid: false }>): Omit<Rejection, 'position'> {
  return { contract, reason, problems };
}

function failed(contract: string, reason: RejectionReason, message: string): Verdict {
  return { valid: false, contract, reason, problems: [problem('', reason, message)] };
}
