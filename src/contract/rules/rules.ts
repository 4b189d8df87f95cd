import type { Problem } from '../../domain/record.js';

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
