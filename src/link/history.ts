import type { Cause, Diagnosis } from '../domain/cause.js';
import { LINK_DROPS_KEPT, type LinkDrop, type LinkEvent } from '../domain/link.js';
import { diagnose, isOpen } from './diagnosis.js';
import { isBare, isOrderly, isThere, type Afterwards, type Evidence, type Life } from './evidence.js';

const LIVES_KEPT = 10;

/**
 * How connections ended, newest first. A drop that is only guessed at is told when the next attempt has ended,
 * because what that meets often explains it: a broker that restarts refuses connections next.
 */
export class History {
  #drops: LinkDrop[] = [];
  #lives: Life[] = [];
  /** The newest drop, while it waits for what comes afterwards. */
  #open: Evidence | undefined;
  #lastCause: Cause | undefined;

  /**
   * @param judged is told of each connection that was up why it ended, as soon as that is settled
   * @param save keeps the drops over a restart
   */
  constructor(
    private readonly tell: (event: LinkEvent) => void,
    private readonly judged: (evidence: Evidence, cause: Cause) => void,
    private readonly save: (drops: readonly LinkDrop[]) => void,
  ) {}

  get drops(): LinkDrop[] {
    return this.#drops;
  }

  /** Why the connection before this one ended; undefined before the first end. */
  get lastCause(): Cause | undefined {
    return this.#lastCause;
  }

  /** Whether the newest drop may still be explained by what comes afterwards. */
  get open(): boolean {
    return this.#open !== undefined;
  }

  /** From the runs before this one. */
  load(drops: readonly LinkDrop[]): void {
    // Journals of before kept `at` as milliseconds.
    const kept = drops.map((drop) => ({ ...drop, at: new Date(drop.at).toISOString() }));
    this.#drops = [...this.#drops, ...kept].slice(0, LINK_DROPS_KEPT);
  }

  /** A connection ended or failed. @param at wall clock, milliseconds @returns what is known of it now */
  ended(known: Omit<Evidence, 'history'>, at: number): Diagnosis {
    const evidence = { ...known, history: this.#lives };
    const diagnosis = diagnose(evidence);
    const { cause, confidence } = diagnosis;
    const met: Afterwards = { kind: 'refused', cause, confidence, orderly: isOrderly(evidence) };
    if (!evidence.wasUp) this.afterwards(met);
    this.#lastCause = cause;
    this.#keep({ ...diagnosis, at: new Date(at).toISOString(), wasUp: evidence.wasUp });
    if (!evidence.wasUp) {
      const [last] = this.#lives;
      if (last) last[isThere(met) ? 'turnedAway' : 'unreached'] = true;
      this.tell({ kind: 'refused', diagnosis });
      this.save(this.#drops);
      return diagnosis;
    }
    this.#lives = [lifeOf(evidence, cause), ...this.#lives].slice(0, LIVES_KEPT);
    this.tell({ kind: 'down' });
    if (isOpen(evidence)) this.#open = evidence;
    else this.#told(evidence, diagnosis);
    return diagnosis;
  }

  /** What the first attempt after a drop met; also to be called when there will be none. */
  afterwards(afterwards?: Afterwards): void {
    if (!this.#open) return;
    const evidence = afterwards ? { ...this.#open, afterwards } : this.#open;
    const diagnosis = diagnose(evidence);
    this.#open = undefined;
    this.#lastCause = this.#lives[0]!.cause = diagnosis.cause;
    this.#drops[0] = { ...this.#drops[0]!, ...diagnosis };
    this.#lives[0]!.cameBack = afterwards !== undefined && isThere(afterwards);
    this.#lives[0]!.unreached ||= afterwards !== undefined && !isThere(afterwards);
    this.#told(evidence, diagnosis);
  }

  /** The link is up again: the outage is over. @param at wall clock, milliseconds */
  back(at: number): void {
    const begun = this.#drops.findIndex(({ wasUp }) => wasUp);
    const outage = begun === -1 ? this.#drops.length : begun + 1;
    const backAt = new Date(at).toISOString();
    if (this.#drops.slice(0, outage).every((drop) => drop.backAt !== undefined)) return;
    this.#drops = this.#drops.map((drop, i) => (i < outage && drop.backAt === undefined ? { ...drop, backAt } : drop));
    this.save(this.#drops);
  }

  /** An outage of a day must not push the drops before it out of the list: refusals that are alike are one entry. */
  #keep(drop: LinkDrop): void {
    const outage = drop.wasUp ? 0 : this.#drops.findIndex(({ wasUp }) => wasUp);
    const refusals = this.#drops.slice(0, outage === -1 ? this.#drops.length : outage);
    const alike = refusals.find((one) => isAlike(one, drop));
    const { count = 1, firstAt = alike?.at } = alike ?? {};
    const entry = alike ? { ...drop, count: count + 1, firstAt: firstAt! } : drop;
    this.#drops = [entry, ...this.#drops.filter((one) => one !== alike)].slice(0, LINK_DROPS_KEPT);
  }

  #told(evidence: Evidence, diagnosis: Diagnosis): void {
    this.judged(evidence, diagnosis.cause);
    this.tell({ kind: 'dropped', diagnosis });
    this.save(this.#drops);
  }
}

function isAlike(one: LinkDrop, other: LinkDrop): boolean {
  if (one.backAt !== undefined) return false;
  const same = one.cause === other.cause && one.confidence === other.confidence && one.mend === other.mend;
  return same && one.evidence.join('\n') === other.evidence.join('\n');
}

function lifeOf(evidence: Evidence, cause: Cause): Life {
  const { sessionPresent, upMs, outstanding } = evidence;
  const [unanswered] = outstanding;
  const shape = { bare: isBare(evidence), orderly: isOrderly(evidence), sessionPresent, upMs };
  return { ...shape, cause, heldOff: cause === 'client-id-conflict', unreached: false, unanswered };
}
