/** What happened to messages or to the link and is over, so that no state shows it. Kept in memory. */
import type { Clock } from '../domain/clock.js';
import { isDenied, type LinkCounters, type LinkEvent } from '../domain/link.js';
import type { DiscardFacts, IncidentFacts, SessionLost, Tally } from './facts.js';

/** Messages are gone for good: whoever looks the next morning must see it. */
const SESSION_LOST_MS = 24 * 3_600_000;
const TALLY_MS = 3_600_000;
/** Subscribers that come and go must not fill the memory. */
const DISCARDS_MAX = 1_000;

type Answer = 'granted' | 'denied' | 'unanswered';
type Counted = 'expired' | 'dropped' | 'refused';

export class Incidents {
  #sessionLost: SessionLost | undefined;
  readonly #tallies = new Map<Counted, Tally>();
  /** What was asked for apart from what was not. */
  readonly #discarded = new Map<string, DiscardFacts>();
  readonly #unsubscribed = new Map<string, { answer: Answer; since: string }>();
  #nearFullSince: string | undefined;
  #totals = { dropped: 0, refused: 0 };

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  link(told: LinkEvent): void {
    if (told.kind === 'subscription') this.#answered(told.name, isDenied(told.code) ? 'denied' : 'granted');
    else if (told.kind === 'unanswered') this.#answered(told.name, 'unanswered');
    else if (told.kind === 'session-lost') this.#lost(told.from, told.to);
  }

  /** Only these subscriptions are in force. */
  subscriptions(names: ReadonlySet<string>): void {
    for (const name of this.#unsubscribed.keys()) if (!names.has(name)) this.#unsubscribed.delete(name);
  }

  nearFull(near: boolean): void {
    this.#nearFullSince = near ? this.#now : undefined;
  }

  discarded(id: string, reason: DiscardFacts['reason'], records: number): void {
    if (records === 0) return;
    const key = JSON.stringify([id, reason === 'asked']);
    const tally = this.#added(this.#discarded.get(key), records);
    this.#discarded.delete(key);
    this.#discarded.set(key, { ...tally, id, reason });
    if (this.#discarded.size > DISCARDS_MAX) this.#discarded.delete(this.#discarded.keys().next().value!);
  }

  expired(count: number): void {
    this.#count('expired', count);
  }

  /** @param totals since the start, asked for now and then */
  counters({ dropped, refused }: Pick<LinkCounters, 'dropped' | 'refused'>): void {
    this.#count('dropped', dropped - this.#totals.dropped);
    this.#count('refused', refused - this.#totals.refused);
    this.#totals = { dropped, refused };
  }

  get facts(): IncidentFacts {
    const lost = this.#recentLoss;
    const counted = [...this.#tallies].filter(([, tally]) => this.#isRecent(tally));
    return {
      ...(lost ? { sessionLost: lost } : {}),
      ...Object.fromEntries(counted),
      ...(this.#nearFullSince === undefined ? {} : { nearFullSince: this.#nearFullSince }),
      unsubscribed: Object.fromEntries([...this.#unsubscribed].map(([name, { since }]) => [name, since])),
      discarded: [...this.#discarded.values()].filter((tally) => this.#isRecent(tally)),
    };
  }

  get #recentLoss(): SessionLost | undefined {
    const lost = this.#sessionLost;
    return lost && this.clock.now() - Date.parse(lost.to) < SESSION_LOST_MS ? lost : undefined;
  }

  #lost(from: number, to: number): void {
    const times = (this.#recentLoss?.times ?? 0) + 1;
    const known = from === 0 ? {} : { from: new Date(from).toISOString() };
    this.#sessionLost = { ...known, to: new Date(to).toISOString(), times };
  }

  /** One that is asked for again, and answered in the same way, is so since the first time. */
  #answered(name: string, answer: Answer): void {
    if (answer === 'granted') this.#unsubscribed.delete(name);
    else if (this.#unsubscribed.get(name)?.answer !== answer)
      this.#unsubscribed.set(name, { answer, since: this.#now });
  }

  get #now(): string {
    return new Date(this.clock.now()).toISOString();
  }

  #count(what: Counted, times: number): void {
    if (times > 0) this.#tallies.set(what, this.#added(this.#tallies.get(what), times));
  }

  /** What was an hour ago is another trouble. */
  #added(tally: Tally | undefined, times: number): Tally {
    const at = this.#now;
    const { count, since } = tally && this.#isRecent(tally) ? tally : { count: 0, since: at };
    return { count: count + times, since, at };
  }

  #isRecent({ at }: Tally): boolean {
    return this.clock.now() - Date.parse(at) < TALLY_MS;
  }
}
