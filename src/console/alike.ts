import type { About } from './facts.js';
import type { Finding } from './shown/types.js';

/** More subscribers than this with the same trouble are one finding. */
const ALIKE_MAX = 10;

/** Each with its name; many that are alike as one. @param about `what` goes on after the name */
export function told<One extends { id: string }>(
  id: string,
  some: readonly One[],
  about: (one: One) => About,
): Finding[] {
  if (some.length <= ALIKE_MAX) {
    return some.map((one) => {
      const { what, ...rest } = about(one);
      return { id, subject: one.id, what: `The subscriber ${one.id} ${what}.`, ...rest };
    });
  }
  const { what, severity, mend, panel } = about(some[0]!);
  const names = some.slice(0, ALIKE_MAX).map((one) => one.id);
  const why = `Among them ${names.join(', ')}.`;
  return [{ id, severity, what: `Of ${some.length} subscribers each ${what}.`, why, mend, panel }];
}
