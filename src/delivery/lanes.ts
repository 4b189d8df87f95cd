import { setMaxListeners } from 'node:events';
import type { AttemptContext, Outcome, Sender } from '../domain/attempt.js';
import { HoldfastError } from '../domain/errors.js';
import { failpoint } from '../domain/failpoint.js';
import type { JournalReader } from '../domain/journal.js';
import type { Record } from '../domain/record.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { Backlog } from './backlog.js';
import type { Batch } from './batch.js';
import { Batches } from './batches.js';
import { Condition } from './condition.js';
import type { Consumer } from './dispatcher.js';
import { Expiry } from './expiry.js';
import type { Feed, Interest } from './feed.js';
import type { Intake, Shared } from './intake.js';
import type { FailedAttempt } from './observer.js';
import { RateLimit } from '../domain/rate-limit.js';
import type { Replays, Source } from './replays.js';
import { decide, decideReturned, splits } from './schedule.js';
import type { Task } from './window.js';

/** Bounds what is kept of an answer. */
const DETAIL_CHARACTERS_MAX = 2_048;
/** A timer that was set before a long sleep of the machine is looked at again this often. */
const TIMER_MS_MAX = 60_000;

type Failure = Exclude<Outcome, { kind: 'delivered' }>;

/** An attempt that has ended. */
interface Ended {
  outcome: Outcome;
  /** 1 for the first of its record. */
  attempt: number;
  /** As the breaker gave it when the attempt began. */
  epoch: number;
  /** Monotonic. */
  started: number;
}

/** What is sent next, and where it came from. */
interface Next {
  batch: Batch;
  source: Source;
}

/** The attempt loop of one subscriber: at most `concurrency` attempts at once, and what follows from each answer. */
export class Lanes implements Consumer {
  readonly condition: Condition;
  readonly backlog: Backlog;
  readonly expiry: Expiry;
  readonly #own: Source;
  /** What is new and what is given again take turns, so that neither starves the other. */
  #replayNext = false;
  readonly #rate: RateLimit | undefined;
  readonly #abort = new AbortController();
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #halted = false;
  #closed = false;
  #faulted = false;
  #drained: (() => void) | undefined;

  constructor(
    readonly settings: SubscriberSettings,
    readonly sender: Sender,
    readonly intake: Intake,
    readonly replays: Replays,
    readonly interest: Interest,
    private readonly shared: Shared,
  ) {
    const { batch, maxBacklog, rateLimit } = settings;
    this.condition = new Condition(settings, shared.observer, shared.random);
    this.backlog = new Backlog(intake, maxBacklog);
    const { breaker } = this.condition;
    const trouble = (): string => this.condition.trouble;
    this.expiry = new Expiry({ settings, intake, replays, breaker, shared, trouble });
    this.#own = { intake, batches: new Batches(intake, batch) };
    this.#rate = rateLimit && new RateLimit(rateLimit.perSecond, shared.clock.monotonic());
    setMaxListeners(0, this.#abort.signal); // one for each attempt in flight is no leak
  }

  get feed(): Feed {
    return this.intake.feed;
  }

  /** Attempts, not records. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether something threw that never does: what is remembered is not to be trusted, only what is on disk. */
  get isFaulted(): boolean {
    return this.#faulted;
  }

  /** It starts nothing more: it is about to be changed, or to begin anew. */
  get isHalted(): boolean {
    return this.#halted;
  }

  /** Starts every attempt that may start now. Cheap when none may. */
  pump(): void {
    try {
      this.#pump();
    } catch (error) {
      this.#fault(error);
    }
  }

  #pump(): void {
    const now = this.shared.clock.monotonic();
    while (this.#mayStart(now)) {
      const alone = this.condition.breaker.openUntil > 0; // A probe must say something of the subscriber.
      const next = this.#next(now, alone);
      if (!next) break;
      const tasks = next.batch.take(this.#mayGo, alone);
      if (tasks) void this.#attempt(next, tasks, now);
    }
    if (this.#halted) return;
    this.#arm(now);
    const wanting = this.feed.isHungry || this.backlog.isExceeded || this.replays.isHungry;
    if (wanting || this.#mayExpire(now)) this.shared.serve(this);
  }

  #next(now: number, alone: boolean): Next | undefined {
    const own = this.#own;
    const replay = this.replays.source;
    const sources = !replay ? [own] : (this.#replayNext = !this.#replayNext) ? [replay, own] : [own, replay];
    for (const source of sources) {
      const batch = source.batches.next(now, alone);
      if (batch) return { batch, source };
    }
    return undefined;
  }

  serve(reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>): void {
    try {
      if (!this.#halted) this.#serve(reader);
    } catch (error) {
      this.#fault(error);
    }
  }

  #serve(reader: Pick<JournalReader, 'admittedAfter' | 'topicCounts'>): void {
    this.replays.read(reader);
    if (!this.backlog.isExceeded) {
      const now = this.shared.clock.monotonic();
      if (this.#mayExpire(now)) this.expiry.step(now);
      if (this.feed.isHungry) this.feed.read(reader);
      return;
    }
    const gone = this.backlog.shrink(reader);
    if (!gone) return;
    const { records, from, through } = gone;
    this.shared.observer.discarded({ subscriber: this.settings.id, reason: 'backlog-full', records, from, through });
  }

  pause(): void {
    this.condition.pause();
  }

  resume(): void {
    this.condition.resume();
    this.expiry.freshAt = this.shared.clock.now();
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
      this.condition.breaker.allows(now) &&
      (this.#rate === undefined || this.#rate.allows(now))
    );
  }

  /** Asked often, and nearly always answered by the first comparison: nothing is held back. */
  #mayExpire(now: number): boolean {
    const { breaker, held } = this.condition;
    return breaker.openUntil > now && !held && !this.#halted && this.intake.mayStart && this.expiry.dueAt <= now;
  }

  readonly #mayGo = (task: Task): boolean => this.intake.mayGo(task);

  async #attempt(next: Next, tasks: Task[], started: number): Promise<void> {
    const epoch = this.condition.breaker.begin();
    const context: AttemptContext = {
      attempt: (tasks[0]!.row?.attempts ?? 0) + 1,
      replay: tasks[0]!.replayedAt !== undefined,
      parametersOf: this.shared.parametersOf,
      signal: this.#abort.signal,
    };
    this.#rate?.take();
    this.#inFlight++;
    const own = next.source === this.#own;
    for (const task of tasks) (task.row ?? task).inFlight = true;
    if (own) this.backlog.inFlight(tasks.length);
    let outcome: Outcome;
    try {
      outcome = await this.#send(tasks, context);
    } catch (error) {
      outcome = { kind: 'retry', reason: 'network', status: 0, detail: String(error), opensBreaker: false };
    }
    this.#inFlight--;
    for (const task of tasks) (task.row ?? task).inFlight = false;
    if (own) this.backlog.inFlight(-tasks.length);
    failpoint('attempted');
    const aborted = this.#abort.signal.aborted && outcome.kind !== 'delivered';
    try {
      if (!this.#closed && !aborted) this.#answered(next, tasks, { outcome, attempt: context.attempt, epoch, started });
      if (!this.#closed) this.replays.note();
    } catch (error) {
      this.#fault(error);
    }
    if (this.#inFlight === 0) this.#drained?.();
    if (!this.#halted) this.pump();
  }

  /** In the turn in which it happened, before anything half done can be saved. */
  #fault(error: unknown): void {
    if (this.#faulted) return;
    this.#faulted = this.#halted = this.#closed = true;
    clearTimeout(this.#timer);
    this.shared.faulted(this, error);
    this.#abort.abort();
  }

  #send(tasks: readonly Task[], context: AttemptContext): Promise<Outcome> {
    const { sender } = this;
    if (!this.settings.batch) return sender.send(tasks[0]!.record!, context);
    // To send the first alone would count the others as delivered.
    if (!sender.sendBatch) throw new HoldfastError('INTERNAL', 'this sender takes no batches');
    return sender.sendBatch(
      tasks.map((task) => task.record!),
      context,
    );
  }

  #answered(next: Next, tasks: Task[], ended: Ended): void {
    const { batch, source } = next;
    const { clock, observer } = this.shared;
    const { id } = this.settings;
    const { outcome, epoch, started } = ended;
    const now = clock.monotonic();
    const wall = clock.now();
    const ofSeveral = tasks.length > 1;
    const first = tasks[0]!.record!; // which a task that has ended lets go of
    let delayMs = 0;
    const split = ofSeveral && splits(outcome);
    const counted = split ? 'retry' : outcome.kind === 'gone' ? 'throttled' : outcome.kind;
    observer.attempt(id, counted, (now - started) / 1000, outcome.traceparent);
    this.condition.answered(outcome, epoch, now, ofSeveral);
    if (outcome.kind === 'delivered') {
      for (const task of tasks) {
        const since = Math.max(0, wall - task.record!.receivedAt);
        if (task.replayedAt === undefined) observer.delivered(id, since / 1000, outcome.traceparent);
        source.intake.delivered(task);
      }
    } else if (split) {
      batch.split(tasks);
    } else if (ofSeveral) {
      this.#returned(next, tasks, outcome, wall);
    } else delayMs = this.#failed(next, tasks[0]!, outcome, now, wall);
    source.batches.again(batch);
    if (counted !== 'delivered' && counted !== 'dead') {
      const heldMs = Math.max(delayMs, this.condition.breaker.openUntil - now);
      const nextAt = heldMs > 0 ? new Date(wall + heldMs).toISOString() : undefined;
      observer.failed(id, failedAttempt(ended, { first, records: tasks.length, durationMs: now - started, nextAt }));
    }
  }

  /** A batch failed, and its records are not to blame: it is tried again as it is, without those that are too old. */
  #returned({ batch, source: { intake } }: Next, tasks: Task[], outcome: Failure, wall: number): void {
    this.expiry.lookAgain();
    const { status, detail } = outcome;
    const kept: Task[] = [];
    const keys = new Set<string>();
    for (const task of tasks) {
      // The first of a line goes first, also when a clock that jumped makes a later one look older.
      const behind = task.key !== '' && keys.has(task.key);
      const { kind } = decideReturned(this.expiry.since(task), this.settings.retry, wall);
      if (intake.isGivenUp(task)) intake.giveUp(task);
      else if (kind === 'dead' && !behind) {
        const attempts = task.row?.attempts ?? 0;
        intake.died(task, { reason: 'expired', status, detail, attempts, at: wall });
      } else {
        kept.push(task);
        keys.add(task.key);
      }
    }
    batch.putBack(kept);
  }

  /** @returns milliseconds until its next attempt; 0 when it does not wait for a time */
  #failed({ batch, source: { intake } }: Next, task: Task, outcome: Failure, now: number, wall: number): number {
    this.expiry.lookAgain();
    if (intake.isGivenUp(task)) {
      intake.giveUp(task);
      return 0;
    }
    const before = task.row?.attempts ?? 0;
    const attempts = before + 1;
    const tried = { attempts, receivedAt: this.expiry.since(task) };
    const decision = decide(outcome, tried, this.settings.retry, wall, this.shared.random);
    if (decision.kind === 'dead') {
      const { status, detail } = outcome;
      const used = outcome.kind === 'throttled' ? before : attempts;
      intake.died(task, { reason: decision.reason, status, detail, attempts: used, at: wall });
    } else if (decision.kind === 'wait') {
      intake.failed(task, {
        attempts,
        reason: outcome.kind === 'retry' ? outcome.reason : '',
        due: now + decision.delayMs,
        dueAt: Math.round(wall + decision.delayMs),
      });
      return decision.delayMs;
    } else batch.putBack([task]);
    return 0;
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
    if (breaker.openUntil > now) return Math.min(breaker.openUntil, this.expiry.dueAt);
    const tokenAt = this.#rate?.nextAt(now) ?? now;
    return tokenAt > now ? tokenAt : Math.min(this.intake.nextDue, this.#gatheredAt);
  }

  /** When a batch goes out that is not full. */
  get #gatheredAt(): number {
    return Math.min(this.#own.batches.dueAt, this.replays.source?.batches.dueAt ?? Infinity);
  }

  readonly #wake = (): void => {
    this.#timer = undefined;
    this.pump();
  };
}

function failedAttempt(
  { outcome, attempt }: Ended,
  of: { first: Record; records: number; durationMs: number; nextAt: string | undefined },
): FailedAttempt {
  const { status, detail } = outcome as Failure;
  const { position, id, topic } = of.first;
  return {
    reason: 'reason' in outcome ? outcome.reason : 'status',
    status,
    detail: detail.slice(0, DETAIL_CHARACTERS_MAX),
    ...{ position, id, topic },
    ...(of.records > 1 ? { records: of.records } : {}),
    attempt,
    durationMs: Math.round(of.durationMs),
    ...(of.nextAt === undefined ? {} : { nextAt: of.nextAt }),
  };
}
