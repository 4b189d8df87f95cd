import type { Clock } from '../domain/clock.js';

const STEP_MS = 10_000;
const STEPS = 30;

/** How often something happened in the last five minutes. */
export class Recent {
  readonly #steps = new Uint32Array(STEPS);
  /** The step that is counted in, since the clock's beginning. */
  #step: number;

  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {
    this.#step = this.#now;
  }

  add(times = 1): void {
    this.#advance();
    this.#steps[this.#step % STEPS]! += times;
  }

  get count(): number {
    this.#advance();
    return this.#steps.reduce((sum, one) => sum + one, 0);
  }

  get #now(): number {
    return Math.floor(this.clock.monotonic() / STEP_MS);
  }

  #advance(): void {
    const now = this.#now;
    for (let passed = Math.min(STEPS, now - this.#step); passed > 0; passed--)
      this.#steps[(now - passed + 1) % STEPS] = 0;
    this.#step = now;
  }
}
