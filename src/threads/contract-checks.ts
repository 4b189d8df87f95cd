import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { ContractThread, type Checked, type FilesRead, type RespawnReason } from '../contract/index.js';
import type { ContractThreadHealth, Verdict } from '../domain/contract.js';
import { HoldfastError } from '../domain/errors.js';
import type { Rejection } from '../domain/record.js';
import { within } from '../domain/within.js';
import type { ContractThreadCalls, ContractThreadSettings } from './contract.thread.js';
import { PublishChecks } from './publish-checks.js';
import { Channel } from './rpc.js';

/** What a thread that is to be replaced gets to finish its step; then it is ended, and its step is checked again. */
const FINISH_MS_MAX = 2_000;
/** Contracts that were tried are loaded within this, or they are not in force. */
const READY_MS_MAX = 60_000;

export interface ContractChecksOptions {
  settings: ContractThreadSettings;
  /** Milliseconds that a publish waits for its verdict. */
  publishWaitMs: number;
  /** Gives the thread its way to the journal. */
  attach: (port: MessagePort) => Promise<void>;
  onEvent: (event: string, value: unknown) => void;
  onRespawn: (reason: RespawnReason, position: number, detail: string) => void;
  onHealth: (health: ContractThreadHealth) => void;
  /** The thread has ended because {@link ContractChecks.replace} asked for it: the next one counts from 0. */
  onReplaced: () => void;
  onFatal: (error: Error) => void;
}

/** Why a record does not pass the contract now in force. */
export interface Refusal {
  position: number;
  reason: string;
  detail: string;
}

/** The contract thread as the gateway sees it: kept alive, led to the journal, and asked. */
export class ContractChecks {
  readonly #thread: ContractThread;
  #settings: ContractThreadSettings;
  #channel: Channel | undefined;
  #stopped = false;
  /** Settles with the contracts of the thread that was asked for last. */
  #ready = readiness();
  /** How often the thread was replaced on purpose. */
  #replacements = 0;
  #replacing = false;
  /** No thread is there; the next is waited for. */
  #gone = false;
  /** The thread before is still to finish: that another of its kind begins says nothing. */
  #finishing = false;
  readonly #channels = new WeakMap<Worker, Channel>();
  readonly #publishes: PublishChecks;

  constructor(private readonly options: ContractChecksOptions) {
    this.#settings = options.settings;
    this.#publishes = new PublishChecks(() => this.#channel, options.publishWaitMs);
    this.#thread = new ContractThread({
      entry: new URL('./contract.thread.js', import.meta.url),
      workerData: this.#settings,
      leastBudgetMs: leastBudgetMs(this.#settings),
      start: (worker) => this.#begin(worker),
      gone: (worker) => {
        this.#channels.get(worker)?.fail(new Error('the contract thread has ended'));
        this.#gone = true;
      },
      onHealth: (health) => {
        if (health.held) this.#ready.reject(new Error('too many threads do not end: nothing is checked'));
        options.onHealth(health);
      },
      onFatal: (error) => this.#fatal(error),
      onRespawn: (reason, position, detail) => {
        this.#publishes.respawned(reason, position);
        options.onRespawn(reason, position, detail);
        // Contracts that were tried and still end their thread before it is ready: those before them come back.
        if (this.#replacing && !this.#finishing && position === 0) this.#ready.reject(new Error(detail));
      },
    });
  }

  /** Resolves when the contracts are compiled. */
  async start(): Promise<void> {
    this.#thread.start();
    await this.#ready.promise;
    this.#thread.lasts();
  }

  /** What the files of the contracts in force held, once {@link start} has resolved. */
  get files(): FilesRead {
    return this.#settings.files ?? { answers: new Map(), looked: new Set() };
  }

  /**
   * Goes on with other contracts where the thread before it stopped; what it was asked meanwhile waits. Resolves when
   * they are compiled. When they cannot be, those before them are in force again, and it rejects. One at a time.
   */
  async replace(settings: ContractThreadSettings): Promise<void> {
    const before = this.#settings;
    this.#replacing = true;
    try {
      await this.#restart(settings);
    } catch (error) {
      if (this.#stopped) throw error;
      this.#replacing = false; // From here on there is nothing left to go back to.
      await this.#restart(before).catch(() => undefined); // The thread is waited for, and that is told.
      throw error;
    } finally {
      this.#replacing = false;
    }
  }

  async #restart(settings: ContractThreadSettings): Promise<void> {
    this.#replacements++;
    const { promise } = (this.#ready = readiness());
    this.#finishing = true;
    const finished = this.#channel?.call('finish' satisfies keyof ContractThreadCalls, []).catch(() => undefined);
    await within(FINISH_MS_MAX, finished ?? Promise.resolve());
    this.#finishing = false;
    if (this.#stopped) throw stopping();
    this.#settings = settings;
    this.#channel = undefined;
    await this.#thread.restart(settings, leastBudgetMs(settings));
    const late = setTimeout(
      () => this.#ready.reject(new Error(`they were not loaded in ${READY_MS_MAX} ms`)),
      READY_MS_MAX,
    );
    await promise.finally(() => clearTimeout(late));
  }

  #begin(worker: Worker): void {
    const { attach, onEvent, onReplaced } = this.options;
    if (!this.#channel && this.#replacements > 0) onReplaced();
    const settings = this.#settings;
    const ready = this.#finishing ? undefined : this.#ready;
    const channel = (this.#channel = new Channel(worker, undefined, onEvent));
    this.#channels.set(worker, channel);
    this.#gone = false;
    const { port1, port2 } = new MessageChannel();
    attach(port1)
      .then(() => channel.call<FilesRead>('attach' satisfies keyof ContractThreadCalls, [port2], [port2]))
      .then(
        (files) => {
          settings.files ??= files;
          ready?.resolve();
        },
        // One that ended before it was ready is replaced, and the next one may be.
        (error: unknown) => {
          if (channel !== this.#channel || this.#gone || this.#stopped) return;
          this.#ready.reject(error);
          this.#thread.giveUp(error as Error);
        },
      );
  }

  #fatal(error: Error): void {
    this.#ready.reject(error);
    if (!this.#replacing) this.options.onFatal(error);
  }

  admittedThrough(position: number): void {
    this.#thread.admittedThrough(position);
  }

  /**
   * Which of these records fail the contracts as they are now. One whose check ends the thread is told from the
   * others by checking each alone; then it fails, too.
   */
  async checkAgain(positions: number[]): Promise<Refusal[]> {
    if (positions.length === 0) return [];
    const replacements = this.#replacements;
    await this.#ready.promise.catch(() => undefined);
    const channel = this.#channel;
    if (!channel || this.#stopped) throw stopping();
    if (this.#gone)
      throw new HoldfastError('CONTRACT_UNCHECKED', 'no contract is checked until its thread is replaced');
    try {
      const rejections = await channel.call<Rejection[]>('check' satisfies keyof ContractThreadCalls, [positions]);
      return rejections.map(({ position, reason, problems }) => {
        const { pointer, message } = problems[0] ?? { pointer: '', message: '' };
        return { position, reason, detail: `${pointer} ${message}`.trim() };
      });
    } catch (error) {
      if (this.#stopped) throw error;
      if (replacements !== this.#replacements) return this.checkAgain(positions); // By other contracts, and without blame.
      if (channel === this.#channel && !this.#gone) throw error; // It answered so.
    }
    const [position, ...others] = positions;
    if (others.length === 0) {
      return [{ position: position!, reason: 'crashed', detail: 'the check of this record ended its thread' }];
    }
    const refusals: Refusal[] = [];
    for (const one of positions) refusals.push(...(await this.checkAgain([one])));
    return refusals;
  }

  /** What a contract says of a publish. @throws HoldfastError CONTRACT_UNCHECKED when there is no verdict in time */
  checkPublish(contract: string, publish: Checked): Promise<Verdict> {
    return this.#publishes.check(contract, publish);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ready.reject(stopping());
    await this.#thread.stop();
  }
}

function readiness(): PromiseWithResolvers<void> {
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined); // Whoever waits for it hears of it.
  return ready;
}

function leastBudgetMs({ contracts }: ContractThreadSettings): number {
  return Math.min(...contracts.map(({ limits }) => limits?.budgetMs ?? Infinity));
}

function stopping(): HoldfastError {
  return new HoldfastError('SHUTTING_DOWN', 'no contract can be checked any more');
}
