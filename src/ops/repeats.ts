import type { Clock } from '../domain/clock.js';

/** One line of a kind is told at once, then at most one in so long. */
const QUIET_MS = 10_000;

interface Kind {
  toldAt: number;
  /** How many were not told. */
  count: number;
  say: (count: number) => void;
  timer: NodeJS.Timeout | undefined;
}

/** Holds back lines that repeat, and counts them: a fleet of broken devices must not fill the log. */
export class Repeats {
  readonly #kinds = new Map<string, Kind>();

  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {}

  /**
   * Something happened again. The line is written at once, or ten seconds after the last one of its kind: then it is that
   * of the last time, for all since.
   * @param kind few different ones @param say writes the line; `count`: it stands for so many @param times it happened
   */
  tell(kind: string, say: (count: number) => void, times = 1): void {
    let known = this.#kinds.get(kind);
    if (!known) this.#kinds.set(kind, (known = { toldAt: -Infinity, count: 0, say, timer: undefined }));
    const one = known;
    one.count += times;
    one.say = say;
    if (one.timer) return;
    const leftMs = one.toldAt + QUIET_MS - this.clock.monotonic();
    if (leftMs <= 0) this.#say(one);
    else one.timer = setTimeout(() => this.#say(one), leftMs).unref();
  }

  /** Writes what is held back: nobody may be there to write it later. */
  flush(): void {
    for (const one of this.#kinds.values()) if (one.count > 0) this.#say(one);
  }

  #say(one: Kind): void {
    clearTimeout(one.timer);
    one.timer = undefined;
    one.toldAt = this.clock.monotonic();
    const { count, say } = one;
    one.count = 0;
    say(count);
  }
}
