/** One seed for a whole run: every random choice of a test comes from it, so that a failure can be repeated. */

/** Returns a number in [0, 1). */
export type Random = () => number;

const SEED_MAX = 2 ** 31;

/** From `HOLDFAST_SEED` (the runner sets it for every test file), else random. */
export const seed = readSeed(process.env['HOLDFAST_SEED']);

export function readSeed(text: string | undefined): number {
  if (text === undefined || text === '') return Math.floor(Math.random() * SEED_MAX);
  const wanted = Number(text);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted >= SEED_MAX) {
    throw new RangeError(`HOLDFAST_SEED must be a whole number from 0 to ${SEED_MAX - 1}, not "${text}"`);
  }
  return wanted;
}

/** mulberry32: small, and good enough to choose where to break things. `offset` gives each use a stream of its own. */
export function seededRandom(offset = 0, from = seed): Random {
  let state = (from + Math.imul(offset, 0x9e3779b9)) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `least` to `most`, both included. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[between(random, 0, choices.length - 1)];
  if (chosen === undefined) throw new RangeError('there is nothing to pick from');
  return chosen;
}
