import type { Cause } from '../domain/cause.js';
import { blameOfFilter, type Ended } from './blame.js';

/** A broker that hangs up this often on a filter that is on the way alone refuses it in deed. */
const HANG_UPS_MAX = 2;
/** How long such a filter is left alone: asking again costs the link. */
export const QUARANTINE_MS = 600_000;
/** An end so soon after a filter has been asked for, or given up, may well be the answer to it. */
export const PROMPT_MS = 1_000;

/** Filters that connections have ended on, and how long those are left alone that were on the way alone too often. */
export class Suspects {
  /** By filter: hang-ups in a row on it alone, and until when it is left alone. */
  readonly #suspects = new Map<string, { hangUps: number; until: number }>();
  /** The one filter that was on the way when the connection ended, until it is known why that was. */
  #charged: { filter: string; prompt: boolean } | undefined;

  /** Until when it is left alone: monotonic milliseconds; 0: it is not. */
  until(filter: string): number {
    return this.#suspects.get(filter)?.until ?? 0;
  }

  keys(): Iterable<string> {
    return this.#suspects.keys();
  }

  delete(filter: string): void {
    this.#suspects.delete(filter);
  }

  /** The connection ended on it; undefined: on none, or on several. @param sinceMs it was on the way so long */
  charge(filter: string | undefined, sinceMs: number): void {
    this.#charged = filter === undefined ? undefined : { filter, prompt: sinceMs < PROMPT_MS };
  }

  /** Why that was. @param now monotonic @param permitted what the broker has granted before */
  judged(ended: Ended, cause: Cause, now: number, permitted: ReadonlySet<string>): void {
    const charged = this.#charged;
    this.#charged = undefined;
    if (cause === 'client-id-conflict') this.#acquit(charged?.filter, permitted);
    const blame = charged ? blameOfFilter(ended, cause, charged.prompt) : 0;
    if (!charged || blame === 0) return;
    const hangUps = (this.#suspects.get(charged.filter)?.hangUps ?? 0) + blame;
    this.#suspects.set(charged.filter, { hangUps, until: hangUps < HANG_UPS_MAX ? 0 : now + QUARANTINE_MS });
  }

  /**
   * Somebody else takes the session: it may have been they who cut short what the broker has granted before.
   * What nobody has ever granted stays suspect.
   * @param charged was asked for alone this time, too: whether it or they ended it shows once it is left alone
   */
  #acquit(charged: string | undefined, permitted: ReadonlySet<string>): void {
    for (const filter of this.#suspects.keys()) {
      if (filter !== charged && permitted.has(filter)) this.#suspects.delete(filter);
    }
  }

  /**
   * The link has held for a while without what is set aside. What the broker once granted is asked for again, this
   * once: it may have been cut short by somebody else, who is gone now. It is granted no more then.
   */
  reprieve(permitted: Set<string>): void {
    for (const [filter, suspect] of this.#suspects) if (permitted.delete(filter)) suspect.until = 0;
  }
}
