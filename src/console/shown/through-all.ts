/** Calls that end after some seconds and say where to go on. */

/** @param after of the next call; 0 at first */
export type Step<T> = (after: number) => Promise<T & { next?: number }>;

/**
 * Calls until nothing is left.
 * @param add puts two answers together
 * @param told after each answer that is not the last
 */
export async function throughAll<T>(
  step: Step<T>,
  add: (sum: T, answer: T) => T,
  told: (sum: T) => void = () => {},
): Promise<T> {
  let after = 0;
  let sum: T | undefined;
  for (;;) {
    const answer = await step(after);
    sum = sum === undefined ? answer : add(sum, answer);
    if (answer.next === undefined) return sum;
    if (answer.next <= after) throw new Error('the answer goes back');
    after = answer.next;
    told(sum);
  }
}
