import { isDeepStrictEqual } from 'node:util';
import { HoldfastError } from '../domain/errors.js';
import {
  SUBSCRIBER_DEFAULTS,
  type Hold,
  type Registration,
  type SubscriberProgress,
  type SubscriberSettings,
} from '../domain/subscriber.js';
import { lostBacklog, type Lost } from './backlog.js';
import {
  ABSENT,
  backlogLost,
  free,
  mustBeOurs,
  mustHaveCome,
  NOBODY,
  viewOf,
  type Entry,
  type SubscriberView,
} from './entry.js';
import { CHANGES_MAX, staying, SUBSCRIBERS_MAX, unfitAmong, type Failed, type Unfit } from './file-change.js';
import type { RegistryParts, Target, TestResult } from './parts.js';
import { checkedWith, unmaskedBody, type Body } from './secrets.js';

const SHADOWED = 'it is registered too; the one in the configuration is served';

/** A change that is on disk, and how many records were given up for it. */
interface Kept {
  progress: SubscriberProgress;
  discarded: number;
}

/** Who the subscribers are: those of the configuration, and those that come and go over REST and outlive restarts. */
export class Registry {
  readonly #entries = new Map<string, Entry>();
  readonly #tests = new Map<string, Promise<TestResult>>();
  /** The last change of each subscriber that is being changed. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Subscribers that are about to be known. */
  #coming = 0;

  constructor(private readonly parts: RegistryParts) {}

  /** Starts to serve all that are known. @param configured from the file and from this process */
  async start(configured: readonly (Target & { source: 'file' | 'handler' })[]): Promise<void> {
    const { journal, reader, delivery, observer } = this.parts;
    const targets = new Map<string, Target>();
    for (const { settings, sender, source } of configured) {
      targets.set(settings.id, { settings, sender });
      this.#entries.set(settings.id, { source, settings, hold: free() });
    }
    const unusable = reader.registrations().filter((one) => !this.#restore(one, targets));
    // Those keep their place as well: what they were to be given stays.
    const kept = reader.progress().filter(({ id }) => !targets.has(id) && unusable.some((one) => one.id === id));
    const known = await journal.registerSubscribers([
      ...[...targets.values()].map(({ settings }) => settings),
      ...kept.map(({ id, topics }) => ({ id, topics, startFrom: 'now' as const })),
    ]);
    const progress = new Map([...reader.progress(), ...known].map((one) => [one.id, one]));
    for (const one of progress.values()) if (!targets.has(one.id)) targets.set(one.id, this.#absent(one));
    const starts = [...targets.values()].map((target) => {
      const { id, cursor, hold, freshAt } = progress.get(target.settings.id)!;
      const entry = this.#entries.get(id)!;
      if (entry.source !== 'absent') entry.hold = hold;
      if (entry.source === 'absent' || entry.source === 'registered') observer.added(id);
      if (hold.paused || hold.gone !== '') observer.impaired(id, hold.paused ? 'it is paused' : `gone: ${hold.gone}`);
      return { ...target, cursor, freshAt, hold: entry.hold };
    });
    delivery.start(starts, (await journal.stats()).admitted);
  }

  /** Those of the configuration file, as they are in force. */
  get configured(): SubscriberSettings[] {
    return [...this.#entries.values()].filter(({ source }) => source === 'file').map(({ settings }) => settings);
  }

  /** As {@link unfitAmong}. Changes nothing. */
  unfit(next: readonly SubscriberSettings[]): Unfit[] {
    const { delivery, reader } = this.parts;
    return unfitAmong(this.#entries, next, () => staying(delivery.status(), reader.registrations()));
  }

  /**
   * Puts the subscribers of a file that was read again in force, as a start with it would: one that is new starts, one
   * that differs changes, one that is gone stops, and is held as long as something waits for it. Nobody else notices.
   * What would have to be given up for it stays, or is told. {@link unfit} was asked before: here no limit leaves a file
   * half in force, should more stay than could be known. @returns those that are as they were, because that failed
   */
  async configure(next: readonly SubscriberSettings[]): Promise<Failed[]> {
    const ids = new Set(next.map(({ id }) => id));
    const registered = new Map(this.parts.reader.registrations().map((one) => [one.id, one]));
    const leave = this.configured
      .filter(({ id }) => !ids.has(id))
      .map(({ id }) => ({ id, work: () => this.#leave(id, registered.get(id)) }));
    const serve = next.map((one) => ({ id: one.id, work: () => this.#serve(one) }));
    // Those that leave first: they make room.
    return [...(await this.#eachInTurn(leave)), ...(await this.#eachInTurn(serve))];
  }

  /** Whether somebody is there to be given records. */
  isServed(id: string): boolean {
    const source = this.#entries.get(id)?.source;
    return source !== undefined && source !== 'absent';
  }

  /** @throws NOT_FOUND SUBSCRIBER_ABSENT */
  mustBeServed(id: string): void {
    this.#served(id);
  }

  list(): SubscriberView[] {
    return this.parts.delivery.status().flatMap((standing) => {
      const entry = this.#entries.get(standing.id);
      return entry ? [viewOf(entry, standing)] : []; // it is being removed
    });
  }

  /** @throws NOT_FOUND */
  get(id: string): SubscriberView {
    const entry = this.#find(id);
    return viewOf(
      entry,
      this.parts.delivery.status().find((standing) => standing.id === id)!,
    );
  }

  /**
   * Registers a subscriber, or changes a registered one: what waits for it then goes where it leads now. On disk
   * when it resolves. @throws REQUEST_INVALID URL_FORBIDDEN SUBSCRIBER_READ_ONLY SUBSCRIBER_LIMIT BACKLOG_WOULD_BE_LOST
   */
  put(id: string, sent: unknown, discard: boolean): Promise<{ created: boolean; subscriber: SubscriberView }> {
    return this.#inTurn(id, async () => {
      const known = this.#entries.get(id);
      if (known) mustBeOurs(id, known);
      const { body, settings } = this.#checked(id, sent, known?.body);
      if (!known) mustHaveCome(settings.startFrom, this.parts.reader.lastPosition(), this.parts.clock.now());
      const why = await this.parts.refusal(new URL(settings.url!));
      if (why !== undefined) throw new HoldfastError('URL_FORBIDDEN', `the url is not allowed: ${why}`);
      const there = this.#entries.size + this.#coming;
      const isFull = !known && there >= SUBSCRIBERS_MAX;
      if (isFull) throw new HoldfastError('SUBSCRIBER_LIMIT', `there are ${there} subscribers`);
      const { journal } = this.parts;
      const target = { settings, sender: this.parts.senderOf(settings) };
      const keep = (waiting: number[]): Promise<SubscriberProgress> =>
        journal.saveRegistration({ id, body }, settings, waiting);
      const hold = await this.#put(known, target, async ({ records, waiting }) => {
        if (records > 0 && !discard) throw backlogLost(id, records);
        return { progress: await keep(waiting), discarded: records };
      });
      this.#entries.set(id, { source: 'registered', settings, hold, body });
      const created = known?.source !== 'registered';
      this.parts.observer.changed(id, created ? 'registered' : 'changed');
      return { created, subscriber: this.get(id) };
    });
  }

  /** @returns how many records were given up with it, and how many replays ended @throws NOT_FOUND SUBSCRIBER_READ_ONLY BACKLOG_WOULD_BE_LOST */
  remove(id: string, discard: boolean): Promise<{ id: string; discarded: number; replays: number }> {
    return this.#inTurn(id, async () => {
      mustBeOurs(id, this.#find(id));
      const { delivery, journal, observer } = this.parts;
      const lag = async (): Promise<number> => {
        const records = await delivery.lag(id);
        if (records > 0 && !discard) throw backlogLost(id, records);
        return records;
      };
      await lag(); // what is refused disturbs nothing
      let [discarded, replays] = [0, 0];
      await delivery.change(id, async () => {
        discarded = await lag();
        replays = this.get(id).replays.length;
        await journal.removeSubscriber(id);
        this.#entries.delete(id);
        return undefined;
      });
      observer.removed(id);
      observer.changed(id, 'removed');
      if (discarded > 0) observer.discarded(id, discarded);
      if (replays > 0) observer.replaysEnded(id, replays);
      return { id, discarded, replays };
    });
  }

  /** On disk when it resolves. @throws NOT_FOUND SUBSCRIBER_ABSENT */
  pause(id: string): Promise<SubscriberView> {
    return this.#inTurn(id, async () => {
      await this.#hold(id, { ...this.#served(id).hold, paused: true });
      this.parts.delivery.pause(id);
      this.parts.observer.changed(id, 'paused');
      return this.get(id);
    });
  }

  /** Wakes one that is paused, gone or broken. @throws NOT_FOUND SUBSCRIBER_ABSENT */
  resume(id: string): Promise<SubscriberView> {
    return this.#inTurn(id, async () => {
      this.#served(id);
      await this.#hold(id, free());
      this.parts.delivery.resume(id);
      this.parts.observer.changed(id, 'resumed');
      return this.get(id);
    });
  }

  /** Its receiver answered 410: that is kept, so that a restart does not ask again. */
  gone(id: string, why: string): void {
    void this.#inTurn(id, async () => {
      const entry = this.#entries.get(id);
      // A change that was under way may have woken it.
      const still = this.parts.delivery.status().some((one) => one.id === id && one.state === 'gone');
      if (entry && still) await this.#hold(id, { ...entry.hold, gone: why });
    }).catch((error: unknown) => this.parts.observer.saveFailed(id, error));
  }

  /** Sends it one synthetic event, past its backlog; one at a time for each. @throws NOT_FOUND SUBSCRIBER_ABSENT */
  async test(id: string): Promise<TestResult> {
    const { settings, source } = this.#served(id);
    if (source === 'handler') {
      const errors = [{ pointer: '', message: 'a handler in this process has no url to send to' }];
      throw new HoldfastError('REQUEST_INVALID', errors[0]!.message, { details: { errors } });
    }
    const running = this.#tests.get(id);
    if (running) return running;
    const test = this.parts.test(settings, source === 'file').finally(() => this.#tests.delete(id));
    this.#tests.set(id, test);
    return test;
  }

  /** @returns whether it can be used, or need not be */
  #restore({ id, body }: Registration, targets: Map<string, Target>): boolean {
    const { observer } = this.parts;
    if (targets.has(id)) {
      observer.impaired(id, SHADOWED);
      return true;
    }
    const target = this.#registered({ id, body });
    if (!target) return false;
    targets.set(id, target);
    this.#entries.set(id, { source: 'registered', settings: target.settings, hold: free(), body });
    return true;
  }

  #registered({ id, body }: Registration): Target | undefined {
    try {
      const settings = this.parts.parse(id, body);
      return { settings, sender: this.parts.senderOf(settings) };
    } catch (error) {
      // A later version may refuse what an earlier one took. It keeps its place, and can be registered anew.
      this.parts.observer.impaired(id, `what was registered cannot be used: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** A subscriber of the file, when it is not in force as it is. */
  async #serve(settings: SubscriberSettings): Promise<void> {
    const { journal, observer } = this.parts;
    const { id } = settings;
    const known = this.#entries.get(id);
    if (known?.source === 'file' && isDeepStrictEqual(known.settings, settings)) return;
    const target = { settings, sender: this.parts.trustedSenderOf(settings) };
    const keep = (): Promise<SubscriberProgress> => journal.knowSubscriber(settings);
    const hold = await this.#put(known, target, (lost) => this.#narrowed(id, lost, keep));
    this.#entries.set(id, { source: 'file', settings, hold });
    if (known?.source === 'registered') observer.impaired(id, SHADOWED);
  }

  /** The file has it no longer. @param registration it was registered before the file had it, and is so again */
  async #leave(id: string, registration: Registration | undefined): Promise<void> {
    const { delivery, journal, observer } = this.parts;
    const known = this.#entries.get(id);
    if (known?.source !== 'file') return;
    const target = registration && this.#registered(registration);
    if (target) {
      const { settings } = target;
      const keep = (): Promise<SubscriberProgress> => journal.knowSubscriber(settings);
      const hold = await this.#put(known, target, (lost) => this.#narrowed(id, lost, keep));
      this.#entries.set(id, { source: 'registered', settings, hold, body: registration.body });
      return;
    }
    await delivery.change(id, async ({ cursor }) => {
      const waits = registration !== undefined || (await delivery.lag(id)) > 0;
      if (waits || !(await journal.retireSubscriber(id, cursor))) return this.#absent(known.settings);
      this.#entries.delete(id);
      return undefined;
    });
    if (!this.#entries.has(id)) observer.removed(id);
  }

  /** A file may ask for less than before: what waits for another attempt is given all the same, and the rest is told. */
  async #narrowed(id: string, { records, waiting }: Lost, keep: () => Promise<SubscriberProgress>): Promise<Kept> {
    const progress = await keep();
    const passed = records - waiting.length;
    if (passed > 0) this.parts.observer.passedOver(id, passed);
    return { progress, discarded: 0 };
  }

  /** Its backlog is kept, counted and shown, and can be given up. */
  #absent({ id, topics }: Pick<SubscriberSettings, 'id' | 'topics'>): Target {
    const settings = { ...(SUBSCRIBER_DEFAULTS as unknown as SubscriberSettings), id, topics };
    const hold = { paused: true, gone: '' };
    this.#entries.set(id, { source: 'absent', settings, hold });
    this.parts.observer.impaired(id, ABSENT);
    return { settings, sender: NOBODY, hold };
  }

  #checked(id: string, sent: unknown, stored: Body | undefined): { body: Body; settings: SubscriberSettings } {
    if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
      return { body: {}, settings: this.parts.parse(id, sent) }; // which says so
    }
    const { body, problems } = unmaskedBody(sent as Body, stored);
    const settings = checkedWith(problems, () => this.parts.parse(id, body));
    delete body['id'];
    return { body, settings };
  }

  /** One that is new, or comes in the place of another. @param keep saves it, once it is known what is lost by it */
  async #put(known: Entry | undefined, target: Target, keep: (lost: Lost) => Promise<Kept>): Promise<Hold> {
    const put = known ? this.#change(known, target, keep) : this.#add(target, keep);
    return put.catch((error: unknown) => {
      void target.sender.close();
      throw error;
    });
  }

  async #add(target: Target, keep: (lost: Lost) => Promise<Kept>): Promise<Hold> {
    const { delivery, observer } = this.parts;
    this.#coming++;
    const { progress } = await keep({ records: 0, waiting: [] }).finally(() => this.#coming--);
    const { cursor, hold, freshAt } = progress;
    observer.added(target.settings.id);
    delivery.add({ ...target, cursor, freshAt, hold });
    return hold;
  }

  /** Another takes its place and goes on where it was. */
  async #change(known: Entry, target: Target, keep: (lost: Lost) => Promise<Kept>): Promise<Hold> {
    const { journal, delivery, observer } = this.parts;
    const { id } = target.settings;
    let hold = free();
    let discarded = 0;
    await delivery.change(id, async (at) => {
      const kept = await keep(await lostBacklog(this.parts, at, known.settings, target.settings));
      discarded = kept.discarded;
      hold = kept.progress.hold;
      // What was gone was at the other address; what nobody served was held by that.
      const moved = hold.gone !== '' && known.settings.url !== target.settings.url;
      if (moved) hold = { ...hold, gone: '' };
      if (moved || known.source === 'absent') await journal.holdSubscriber(id, hold);
      return { ...target, hold };
    });
    if (discarded > 0) observer.discarded(id, discarded);
    return hold;
  }

  async #hold(id: string, hold: Hold): Promise<void> {
    await this.parts.journal.holdSubscriber(id, hold);
    this.#find(id).hold = hold;
  }

  #find(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new HoldfastError('NOT_FOUND', 'there is no subscriber with this id');
    return entry;
  }

  #served(id: string): Entry {
    const entry = this.#find(id);
    if (entry.source === 'absent') throw new HoldfastError('SUBSCRIBER_ABSENT', `nobody serves "${id}": ${ABSENT}`);
    return entry;
  }

  /** @returns those that failed */
  async #eachInTurn(changes: readonly { id: string; work: () => Promise<void> }[]): Promise<Failed[]> {
    const failed: Failed[] = [];
    for (let first = 0; first < changes.length; first += CHANGES_MAX) {
      const some = changes.slice(first, first + CHANGES_MAX);
      const ends = await Promise.allSettled(some.map(({ id, work }) => this.#inTurn(id, work)));
      ends.forEach((end, i) => {
        if (end.status === 'rejected') failed.push({ id: some[i]!.id, error: end.reason });
      });
    }
    return failed;
  }

  /** One change of a subscriber after the other: each builds on what the one before left. Others do not wait for it. */
  #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(work);
    const last = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(id) === last) this.#turns.delete(id);
      });
    this.#turns.set(id, last);
    return turn;
  }
}
