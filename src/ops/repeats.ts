import type { Clock } from '../domain/clock.js';

/** One line of a kind is told at once, then at most one in so long. */
const QUIET_MS = 10_000;
/** What goes on for long may be told less and less often, down to this. */
export const LONG_QUIET_MS = 5 * 60_000;

/** A line that is later than this says when what it tells of was. */
const LATE_MS = 1_000;

/** What a line stands for: to be among its fields. */
export interface Repeated {
  /** So many. */
  count: number;
  /** When the last of them was, ISO 8601: the line is written a second later or more. */
  lastAt?: string;
}

interface Kind {
  toldAt: number;
  /** How long it is quiet after that. */
  quietMs: number;
  /** And how long after the next line. */
  nextMs: number;
  quietMsMax: number;
  /** When it happened last. */
  lastAt: number;
  /** The same by the wall clock. */
  lastWall: number;
  /** How many were not told. */
  count: number;
  say: (repeated: Repeated) => void;
  timer: NodeJS.Timeout | undefined;
}

/** Holds back lines that repeat, and counts them: a fleet of broken devices must not fill the log. */
export class Repeats {
  readonly #kinds = new Map<string, Kind>();

  constructor(private readonly clock: Pick<Clock, 'monotonic' | 'now'>) {}

  /**
   * Something happened again. The line is written at once, or ten seconds after the last one of its kind: then it is that
   * of the last time, for all since.
   * @param kind few different ones @param say writes the line, with what it stands for @param times it happened
   * @param quietMsMax of what goes on: each wait is twice the one before, up to this; it begins anew once nothing of the
   *   kind has happened for so long. Less than the last time: this is news, and need not wait for longer.
   */
  tell(kind: string, say: (repeated: Repeated) => void, times = 1, quietMsMax = QUIET_MS): void {
    const now = this.clock.monotonic();
    const one = this.#kinds.get(kind) ?? this.#begun(kind, say);
    const isNews = quietMsMax < one.quietMsMax;
    if (now - one.lastAt >= quietMsMax) one.nextMs = QUIET_MS;
    if (isNews) one.quietMs = Math.min(one.quietMs, quietMsMax);
    Object.assign(one, { quietMsMax, lastAt: now, lastWall: this.clock.now(), count: one.count + times, say });
    if (one.timer && !isNews) return;
    clearTimeout(one.timer);
    const leftMs = one.toldAt + one.quietMs - now;
    if (leftMs <= 0) this.#say(one);
    else one.timer = setTimeout(() => this.#say(one), leftMs).unref();
  }

  /** Something else has happened: what was held back of this kind is written, and the next one is told at once. */
  end(kind: string): void {
    const one = this.#kinds.get(kind);
    if (!one) return;
    if (one.count > 0) this.#say(one);
    this.#kinds.delete(kind);
  }

  /** Writes what is held back: nobody may be there to write it later. */
  flush(): void {
    for (const one of this.#kinds.values()) if (one.count > 0) this.#say(one);
  }

  #begun(kind: string, say: Kind['say']): Kind {
    const one: Kind = {
      ...{ toldAt: -Infinity, quietMs: QUIET_MS, nextMs: QUIET_MS, quietMsMax: QUIET_MS },
      ...{ lastAt: -Infinity, lastWall: 0, count: 0, say, timer: undefined },
    };
    this.#kinds.set(kind, one);
    return one;
  }

  #say(one: Kind): void {
    clearTimeout(one.timer);
    one.timer = undefined;
    one.toldAt = this.clock.monotonic();
    one.quietMs = Math.min(one.nextMs, one.quietMsMax);
    one.nextMs = Math.min(one.quietMs * 2, one.quietMsMax);
    const { count, say, lastAt, lastWall } = one;
    one.count = 0;
    say({ count, ...(one.toldAt - lastAt >= LATE_MS ? { lastAt: new Date(lastWall).toISOString() } : {}) });
  }
}
