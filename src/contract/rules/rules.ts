import type { Problem, RejectionReason } from '../../domain/record.js';

/** What is wrong with a value, before it is made fit for eyes: nothing in it is cut yet. */
export type Fault = Omit<Problem, 'sample'>;

/** What a decoded value must be. */
export interface Rules {
  /** The rejection's reason when there are faults. */
  readonly reason: 'schema' | 'class';
  /**
   * No faults: the value is valid. May throw, never return, or end its thread, because users wrote
   * it. Leaves the value alone.
   */
  check(value: unknown): Fault[];
}

/** What a contract holds against a value; undefined when nothing. Behaves as {@link Rules.check}. */
export type Judge = (value: unknown) => Failure | undefined;

export interface Failure {
  reason: RejectionReason;
  faults: Fault[];
}

export function judgeBy(rules: Rules): Judge {
  return (value) => {
    const faults = rules.check(value);
    return faults.length === 0 ? undefined : { reason: rules.reason, faults };
  };
}
