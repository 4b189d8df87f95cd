import type { Problem, RejectionReason } from '../../domain/record.js';

/** What a decoded value must be. */
export interface Rules {
  /** The rejection's reason when there are problems. */
  readonly reason: 'schema' | 'class';
  /**
   * No problems: the value is valid. May throw, never return, or end its thread, because users wrote
   * it. Leaves the value alone.
   */
  check(value: unknown): Problem[];
}

/** What a contract holds against a value; undefined when nothing. Behaves as {@link Rules.check}. */
export type Judge = (value: unknown) => Failure | undefined;

export interface Failure {
  reason: RejectionReason;
  problems: Problem[];
}

export function judgeBy(rules: Rules): Judge {
  return (value) => {
    const problems = rules.check(value);
    return problems.length === 0 ? undefined : { reason: rules.reason, problems };
  };
}
