import { setMaxListeners } from 'node:events';
import type { AttemptContext, Outcome, Sender } from '../domain/attempt.js';
import { failpoint } from '../domain/failpoint.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { Condition } from './condition.js';
import type { Consumer } from './dispatcher.js';
import type { Feed } from './feed.js';
import type { Intake, Shared } from './intake.js';
import { decide } from './schedule.js';
import type { Task } from './window.js';

/** A timer that was set before a long sleep of the machine is looked at again this often. */
const TIMER_MS_MAX = 60_000;

/** The attempt loop of one subscriber: at most `concurrency` attempts at once, and what follows from each answer. */
export class Lanes implements Consumer {
  readonly condition: Condition;
  readonly #abort = new AbortController();
  #inFlight = 0;
  /** Retries and new records take turns, so that neither starves the other. */
  #retryNext = true;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #halted = false;
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(
    readonly settings: SubscriberSettings,
    readonly sender: Sender,
    readonly intake: Intake,
    private readonly shared: Shared,
  ) {
    this.condition = new Condition(settings, shared.observer, shared.random);
    setMaxListeners(0, this.#abort.signal); // one for each attempt in flight is no leak
  }

  get feed(): Feed {
    return this.intake.feed;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Starts every attempt that may start now. Cheap when none may. */
  pump(): void {
    const now = this.shared.clock.monotonic();
    while (this.#mayStart(now)) {
      const task = this.#nextTask(now);
      if (!task) break;
      void this.#attempt(task, now);
    }
    if (this.#halted) return;
    this.#arm(now);
    if (this.feed.isHungry) this.shared.serve(this);
  }

  pause(): void {
    this.condition.pause();
  }

  resume(): void {
    this.condition.resume();
    this.pump();
  }

  /** Starts nothing more. Resolves when no attempt is in flight. */
  async halt(): Promise<void> {
    this.#halted = true;
    clearTimeout(this.#timer);
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  /** Attempts still in flight are to end now; only what was delivered all the same counts. */
  abort(): void {
    this.#abort.abort();
  }

  /** Answers that are still to come are not heard any more. */
  close(): void {
    this.#closed = true;
  }

  #mayStart(now: number): boolean {
    return (
      this.#inFlight < this.settings.concurrency &&
      !this.#halted &&
      !this.condition.held &&
      this.intake.mayStart &&
      this.condition.breaker.allows(now)
    );
  }

  #nextTask(now: number): Task | undefined {
    const retryFirst = this.#retryNext;
    this.#retryNext = !retryFirst;
    return retryFirst
      ? (this.intake.nextRetry(now) ?? this.intake.nextNew())
      : (this.intake.nextNew() ?? this.intake.nextRetry(now));
  }

  async #attempt(task: Task, started: number): Promise<void> {
    const record = task.record!;
    const epoch = this.condition.breaker.begin();
    const context: AttemptContext = {
      attempt: (task.row?.attempts ?? 0) + 1,
      replay: false,
      signal: this.#abort.signal,
    };
    this.#inFlight++;
    let outcome: Outcome;
    try {
      outcome = await this.sender.send(record, context);
    } catch (error) {
      outcome = { kind: 'retry', reason: 'network', status: 0, detail: String(error), opensBreaker: false };
    }
    this.#inFlight--;
    failpoint('attempted');
    const aborted = this.#abort.signal.aborted && outcome.kind !== 'delivered';
    if (!this.#closed && !aborted) this.#answered(task, record, outcome, epoch, started);
    if (this.#inFlight === 0) this.#drained?.();
    if (!this.#halted) this.pump();
  }

  #answered(task: Task, record: Record, outcome: Outcome, epoch: number, started: number): void {
    const { clock, observer, random } = this.shared;
    const { id, retry } = this.settings;
    const now = clock.monotonic();
    const wall = clock.now();
    observer.attempt(id, outcome.kind === 'gone' ? 'throttled' : outcome.kind, (now - started) / 1000);
    this.condition.answered(outcome, epoch, task.position, now);
    const before = task.row?.attempts ?? 0;
    const attempts = before + 1;
    const decision = decide(outcome, { attempts, receivedAt: record.receivedAt }, retry, wall, random);
    switch (decision.kind) {
      case 'delivered':
        observer.delivered(id, Math.max(0, wall - record.receivedAt) / 1000);
        this.intake.delivered(task);
        break;
      case 'returned':
        this.intake.returned(task, now);
        break;
      case 'wait':
        this.intake.failed(task, {
          attempts,
          reason: outcome.kind === 'retry' ? outcome.reason : '',
          due: now + decision.delayMs,
          dueAt: Math.round(wall + decision.delayMs),
        });
        break;
      case 'dead': {
        const { status, detail } = outcome as Exclude<Outcome, { kind: 'delivered' }>;
        const used = outcome.kind === 'throttled' ? before : attempts;
        this.intake.died(task, { reason: decision.reason, status, detail, attempts: used, at: wall });
        break;
      }
    }
  }

  /** One timer for the next instant at which something may start that may not start now. */
  #arm(now: number): void {
    const at = this.#wakeAt(now);
    if (at === Infinity || (this.#timer && this.#timerAt <= at)) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#wake, Math.min(Math.max(Math.ceil(at - now), 1), TIMER_MS_MAX));
  }

  #wakeAt(now: number): number {
    const { breaker, held } = this.condition;
    // Each of these ends with a call of its own.
    if (held || breaker.probing || this.#inFlight >= this.settings.concurrency || !this.intake.mayStart)
      return Infinity;
    return breaker.openUntil > now ? breaker.openUntil : this.intake.nextDue;
  }

  readonly #wake = (): void => {
    this.#timer = undefined;
    this.pump();
  };
}
