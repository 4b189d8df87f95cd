import type { Sender } from '../domain/attempt.js';
import type { Random } from '../domain/backoff.js';
import type { Clock } from '../domain/clock.js';
import { HoldfastError } from '../domain/errors.js';
import { compileFilter } from '../domain/filter.js';
import type { Journal, JournalReader } from '../domain/journal.js';
import { PayloadJson, type DecodePayload, type IsForeign, type Ways } from '../domain/payload-json.js';
import type { Record } from '../domain/record.js';
import type { Replay } from '../domain/replay.js';
import type { Discarded, Hold, SubscriberSettings, Waiting } from '../domain/subscriber.js';
import { noParameters, type ParametersOf } from '../domain/topic-parameters.js';
import { within } from '../domain/within.js';
import { BacklogCounts, takenOver, type Former } from './backlog-count.js';
import { Batches } from './batches.js';
import { Dispatcher } from './dispatcher.js';
import { Feed, type Interest } from './feed.js';
import { Intake, type Shared } from './intake.js';
import { Lanes } from './lanes.js';
import type { DeliveryObserver, SubscriberStatus } from './observer.js';
import { keyWays, orderingKey } from './ordering-key.js';
import { ABORT_GRACE_MS, recover } from './recovery.js';
import { replayOptions, Replays, type Source } from './replays.js';
import { Settler } from './settler.js';
import { statusOf } from './status.js';
import { REPLAY_ROWS_MAX, WaitingRows } from './waiting.js';

/** A subscriber that changes lets its attempts finish for so long; then they are made again. */
const CHANGE_GRACE_MS = 2_000;
/** What was settled gets at least this long to be saved, even when the deadline has passed. */
const SAVE_GRACE_MS = 1_000;
/** Who asks for what is settled to be saved goes on without it after so long. */
const SAVE_WAIT_MS_MAX = 5_000;
/** Dead letters after the cursor that are looked up at the start; a window and its rows leave no more. */
const DEAD_AFTER_CURSOR_MAX = 20_000;

export interface DeliveryOptions {
  journal: Pick<Journal, 'settle'>;
  reader: Pick<
    JournalReader,
    'admittedAfter' | 'recordsAt' | 'waiting' | 'topicCounts' | 'deadLetters' | 'replays' | 'progress'
  >;
  observer: DeliveryObserver;
  clock: Clock;
  random: Random;
  /** Default: no level of a topic has a name. */
  parametersOf?: ParametersOf;
  /** Whether the observer has room to be told of 256 more dead letters. Default: always. */
  mayTell?: () => boolean;
  /** For filters and keys that look into payloads. Default: as JSON, as it came. */
  decode?: DecodePayload;
  /** Those that `decode` goes by now. Default: never others. */
  ways?: () => Ways;
  /** What no filter that looks into payloads leaves out. Default: nothing. */
  isForeign?: IsForeign;
}

/** A subscriber to be served, from its saved place on. */
export interface DeliveryTarget {
  settings: SubscriberSettings;
  /** As the journal has it. */
  cursor: number;
  sender: Sender;
  /** As the journal has it; absent: nothing holds it. */
  hold?: Hold;
  /** As the journal has it; absent: records are as old as they are. */
  freshAt?: number;
  /** Why it is to be probed first. */
  fault?: string;
}

/** Where a subscriber stands while nothing is sent to it. */
export interface Standstill {
  /** All up to here was given, waits in rows, or is dead; and all of that is on disk. */
  cursor: number;
  /** Records up to here were dispatched. */
  through: number;
}

/**
 * Gives every admitted record to every subscriber that wants it, at least once, and saves how far each has
 * come. Subscribers do not wait for one another. After a crash, what was delivered and not yet saved is
 * delivered again, under the same id.
 */
export class Delivery {
  readonly #lanes = new Map<string, Lanes>();
  readonly #dispatcher: Dispatcher;
  readonly #settler: Settler;
  readonly #shared: Shared;
  readonly #json: PayloadJson;
  readonly #counts: BacklogCounts;
  #started = false;
  #stopped: Promise<number> | undefined;

  constructor(private readonly options: DeliveryOptions) {
    const { journal, reader, observer, clock, random, parametersOf = noParameters, decode, ways, isForeign } = options;
    this.#json = new PayloadJson(decode, ways, isForeign);
    this.#settler = new Settler(journal, {
      roomAgain: () => this.#pumpAll(),
      saveFailed: (error) => observer.saveFailed(error),
    });
    this.#dispatcher = new Dispatcher(reader, () => this.#settler.cursorsMoved());
    this.#counts = new BacklogCounts(reader, this.#dispatcher.trie);
    const beginAnew = (lanes: Lanes, fault: string): void => this.#beginAnew(lanes, fault);
    const recovery = { settler: this.#settler, observer, clock, beginAnew };
    this.#shared = {
      reader,
      observer,
      clock,
      random,
      parametersOf,
      mayStart: () => this.#settler.hasRoom,
      mayTell: options.mayTell ?? (() => true),
      serve: (consumer) => this.#dispatcher.serve(consumer),
      faulted: (lanes, error) => void recover(lanes, error, recovery),
    };
  }

  /** Called once. @param admittedThrough every record up to here has its verdict */
  start(subscribers: readonly DeliveryTarget[], admittedThrough: number): void {
    if (this.#started) throw new HoldfastError('INTERNAL', 'delivery was started twice');
    this.#started = true;
    this.#dispatcher.tail.position = admittedThrough;
    const through = admittedThrough;
    this.#counts.add(subscribers.map((one) => ({ consumer: this.#open(one), from: one.cursor, through })));
    this.#dispatcher.start(admittedThrough);
    this.#pumpAll();
  }

  /** One more subscriber while running. @throws SHUTTING_DOWN */
  add(target: DeliveryTarget): void {
    this.#mustRun();
    this.#add(target);
  }

  /**
   * Brings one subscriber to a standstill: its attempts finish within two seconds or are aborted, to be made again
   * under the same id, and what it settled is saved. Then `save` says who comes in its place: the same subscriber with
   * other settings, which goes on where this one was, or nobody. When `save` rejects, it goes on as it was. One change
   * of a subscriber at a time. @throws NOT_FOUND SHUTTING_DOWN, JOURNAL_FULL when what it settled cannot be saved, and what
   * `save` rejects with
   */
  async change(
    id: string,
    save: (at: Standstill) => Promise<Omit<DeliveryTarget, 'cursor'> | undefined>,
  ): Promise<void> {
    const lanes = this.#find(id);
    this.#mustRun();
    if (this.#settler.isFailing || lanes.isHalted) throw unsaved(id); // what is refused disturbs nothing
    await this.#settle([lanes], CHANGE_GRACE_MS);
    const { ledger } = lanes.intake;
    await within(SAVE_WAIT_MS_MAX, this.#settler.saved(ledger));
    this.#mustRun();
    if (lanes.isFaulted) throw new HoldfastError('INTERNAL', `a defect stopped "${id}"; it begins anew`);
    if (!ledger.isSaved) {
      void this.#goOnOnceSaved(lanes);
      throw unsaved(id);
    }
    // In one turn: a record that is dispatched after the cursor was taken must not be taken for one that was not wanted.
    const { settings, sender } = lanes;
    const { cursor } = lanes.intake;
    const former = this.#takeOut(lanes);
    const { through } = former;
    this.#settler.close(lanes.intake.ledger);
    let next: Omit<DeliveryTarget, 'cursor'> | undefined = { settings, sender, hold: lanes.condition.hold };
    try {
      next = await save({ cursor, through });
    } finally {
      if (!next) this.#lanes.delete(id);
      else if (!this.#stopped) this.#replace(lanes, { ...next, cursor }, former);
      if (next?.sender !== sender) void sender.close();
    }
  }

  /** Matching records that a subscriber has yet to be given, once they are counted. @throws NOT_FOUND */
  async lag(id: string): Promise<number> {
    const lanes = this.#find(id);
    await this.#counts.told(lanes);
    return lanes.backlog.records;
  }

  /** Records up to `through` have their verdict and may be delivered. Cheap; called often, also before {@link start}. */
  admitted(through: number): void {
    this.#dispatcher.admitted(through);
  }

  /** Whether a record of this topic would be for somebody. */
  wants(topic: string): boolean {
    return this.#dispatcher.trie.match(topic).length > 0;
  }

  /** How every subscriber stands, in the order given to {@link start}. */
  status(): SubscriberStatus[] {
    const { reader, clock } = this.options;
    const open = this.#stopped ? undefined : reader; // whoever stops delivery closes the reader next
    return [...this.#lanes.values()].map((lanes) => statusOf(lanes, open, clock));
  }

  /** Attempts that are running, of all subscribers. */
  get inFlight(): number {
    return [...this.#lanes.values()].reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** Starts no attempt for this subscriber until {@link resume}. @throws NOT_FOUND */
  pause(id: string): void {
    this.#find(id).pause();
  }

  /** Also wakes one that is gone or broken. @throws NOT_FOUND */
  resume(id: string): void {
    this.#find(id).resume();
  }

  /** What a subscriber would do with the record now; undefined: there is no such subscriber. */
  regards(subscriber: string, record: Record): { wanted: boolean; key: string } | undefined {
    const interest = this.#lanes.get(subscriber)?.interest;
    if (!interest) return undefined;
    const { wants, selects, keyOf } = interest;
    const key = keyOf(record);
    return { wanted: wants(record.topic) && (!selects || selects(record)), key: key && `#again:${key}` };
  }

  /** How many more rows may wait for it because they are given again; 0 for a subscriber that is not there. */
  roomForReplay(subscriber: string): number {
    const lanes = this.#lanes.get(subscriber);
    return lanes ? Math.max(0, Math.min(REPLAY_ROWS_MAX - lanes.intake.waiting.size, lanes.backlog.room)) : 0;
  }

  /** Dead letters are waiting rows of the journal again. Those of a subscriber that is not there wait for its return. */
  revived(rows: readonly (Waiting & { bytes: number })[]): void {
    const { clock } = this.options;
    const now = clock.monotonic();
    for (const row of rows) {
      const since = row.replayedAt ?? clock.now();
      this.#lanes.get(row.subscriber)?.intake.waiting.revive([{ ...row, since }], now);
    }
    for (const id of new Set(rows.map(({ subscriber }) => subscriber))) this.#lanes.get(id)?.pump();
  }

  /** Resolves when what the subscriber was given so far is on disk, or cannot be saved for now. @throws NOT_FOUND */
  async settled(subscriber: string): Promise<void> {
    this.#find(subscriber);
    await within(SAVE_WAIT_MS_MAX, this.#settler.savedSoFar());
  }

  /** A range that the journal keeps is to be given again. */
  replay(replay: Replay): void {
    const lanes = this.#lanes.get(replay.subscriber);
    lanes?.replays.add(replay);
    lanes?.pump();
  }

  /** @param number of one; absent: of all @throws NOT_FOUND */
  endReplays(subscriber: string, number?: number): void {
    this.#find(subscriber).replays.end(number);
  }

  /** The journal has given up the oldest records of a subscriber: they are not waited for any more. */
  discarded({ subscriber, through, records }: Discarded): void {
    const lanes = this.#lanes.get(subscriber);
    if (!lanes || lanes.isFaulted) return; // The journal says where it begins anew.
    lanes.backlog.giveUp(through, records);
    lanes.pump();
  }

  /**
   * Starts no new attempts; lets those in flight finish until the deadline, aborts the rest, saves what is
   * settled, and closes the senders. Takes little longer than the deadline even when the journal hangs.
   * @returns how many attempts were aborted, and will be made again
   */
  stop(deadlineMs: number): Promise<number> {
    return (this.#stopped ??= this.#stop(deadlineMs));
  }

  async #stop(deadlineMs: number): Promise<number> {
    const { clock } = this.options;
    const deadline = clock.monotonic() + deadlineMs;
    const all = [...this.#lanes.values()];
    this.#dispatcher.stop();
    this.#counts.stop();
    const aborted = await this.#settle(all, deadlineMs);
    await within(Math.max(deadline - clock.monotonic(), SAVE_GRACE_MS), this.#settler.flush());
    this.#settler.stop();
    await within(ABORT_GRACE_MS, Promise.allSettled(all.map((lanes) => lanes.sender.close())));
    return aborted;
  }

  #add(target: DeliveryTarget, former?: Former): void {
    const consumer = this.#open(target);
    const stretch = { consumer, from: target.cursor, through: this.#dispatcher.tail.position };
    this.#counts.add(former ? takenOver(stretch, target.settings, former) : [stretch]);
    consumer.pump();
  }

  /** Nothing is offered to it any more, or told. */
  #takeOut(lanes: Lanes): Former {
    this.#dispatcher.remove(lanes, lanes.settings.topics);
    return { consumer: lanes, through: this.#dispatcher.tail.position, isCounted: this.#counts.leave(lanes) };
  }

  /** @param former absent: what it remembers is not to be trusted */
  #replace({ condition, expiry }: Lanes, target: DeliveryTarget, former?: Former): void {
    const { id } = target.settings;
    const { paused = false, gone = '' } = target.hold ?? {};
    const woken = condition.held && !paused && gone === '';
    this.#add({ ...target, freshAt: woken ? this.options.clock.now() : expiry.freshAt }, former);
    const { state, reason } = this.#find(id).condition;
    if (state !== condition.state) this.options.observer.state(id, state, reason);
  }

  /** A change of it was given up, because it could not be saved where it stood. */
  async #goOnOnceSaved(lanes: Lanes): Promise<void> {
    const { settings, sender, condition, intake } = lanes;
    await this.#settler.saved(intake.ledger);
    if (this.#stopped || lanes.isFaulted) return;
    const former = this.#takeOut(lanes);
    this.#settler.close(intake.ledger);
    this.#replace(lanes, { settings, sender, hold: condition.hold, cursor: intake.cursor }, former);
  }

  #beginAnew(lanes: Lanes, fault: string): void {
    const { settings, sender, condition } = lanes;
    if (this.#stopped || this.#lanes.get(settings.id) !== lanes) return;
    const saved = this.options.reader.progress().find(({ id }) => id === settings.id);
    if (!saved) throw new HoldfastError('INTERNAL', `the journal does not know "${settings.id}"`);
    this.#takeOut(lanes);
    this.#replace(lanes, { settings, sender, hold: condition.hold, cursor: saved.cursor, fault });
  }

  /** Starts no new attempts; those in flight finish until the deadline, or are not heard any more. @returns how many were not */
  async #settle(all: readonly Lanes[], deadlineMs: number): Promise<number> {
    const idle = Promise.all(all.map((lanes) => lanes.halt()));
    await within(deadlineMs, idle);
    const late = all.reduce((sum, { inFlight }) => sum + inFlight, 0);
    for (const lanes of all) lanes.abort();
    await within(ABORT_GRACE_MS, idle);
    for (const lanes of all) lanes.close();
    return late;
  }

  #mustRun(): void {
    if (this.#stopped) throw new HoldfastError('SHUTTING_DOWN', 'delivery has stopped');
  }

  #open({ settings, cursor, sender, hold, freshAt = 0, fault }: DeliveryTarget): Lanes {
    const { reader, clock } = this.options;
    const { id, retry, topics, where } = settings;
    const passes = where && compileFilter(where, this.#shared.parametersOf);
    const saved = reader.waiting(id);
    const waiting = new WaitingRows();
    waiting.restore(saved, clock, 1.1 * Math.max(0, ...retry.scheduleMs));
    const dead = reader.deadLetters({ subscriber: id, after: cursor, limit: DEAD_AFTER_CURSOR_MAX });
    const skip = new Set([...saved, ...dead].map((row) => row.position).filter((position) => position > cursor));
    const { tail, trie } = this.#dispatcher;
    const interest: Interest = {
      wants: (topic) => trie.match(topic).includes(lanes),
      selects: passes && ((record) => passes(record, this.#json.forFilter)),
      countsExactly: settings.maxBacklog !== undefined,
      keyOf: orderingKey(settings, this.#json),
      keyWays: keyWays(settings, this.#json),
    };
    const feed = new Feed({ ...interest, tail, start: cursor, skip });
    const ledger = this.#settler.open(id, () => lanes.intake.cursor);
    const intake = new Intake(settings, feed, waiting, ledger, this.#shared);
    const replays = new Replays(ledger, (replay): Source => {
      const again = new Feed(replayOptions(interest, replay));
      const source = new Intake(settings, again, waiting, ledger, this.#shared, true);
      return { intake: source, batches: new Batches(source, settings.batch) };
    });
    const lanes: Lanes = new Lanes(settings, sender, intake, replays, interest, this.#shared);
    lanes.expiry.freshAt = Math.min(freshAt, clock.now()); // The clock may have been ahead.
    if (hold) lanes.condition.restore(hold);
    if (fault) lanes.condition.restoreFaulted(fault, clock.monotonic());
    this.#dispatcher.add(lanes, topics);
    this.#lanes.set(id, lanes);
    for (const replay of reader.replays(id)) replays.add(replay);
    return lanes;
  }

  #pumpAll(): void {
    for (const lanes of this.#lanes.values()) lanes.pump();
  }

  #find(id: string): Lanes {
    const lanes = this.#lanes.get(id);
    if (!lanes) throw new HoldfastError('NOT_FOUND', `there is no subscriber "${id}"`);
    return lanes;
  }
}

function unsaved(id: string): HoldfastError {
  return new HoldfastError('JOURNAL_FULL', `what "${id}" has settled cannot be saved for now, so it cannot be changed`);
}
