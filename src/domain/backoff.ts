/** Randomness is injected, so that tests can print and repeat a seed. Returns a number in [0, 1). */
export type Random = () => number;

/**
 * Exponential backoff with full jitter: a uniform wait in [0, min(max, initial × 2^failures)], so that
 * a fleet that lost its broker together does not come back together.
 * @returns milliseconds
 */
export function fullJitter(failures: number, initialMs: number, maxMs: number, random: Random): number {
  const ceiling = Math.min(maxMs, initialMs * 2 ** Math.min(failures, 30));
  return Math.round(random() * ceiling);
}

/** Adds up to a tenth; jitter never makes a retry early. @returns milliseconds */
export function addedJitter(delayMs: number, random: Random): number {
  return Math.round(delayMs * (1 + 0.1 * random()));
}
