import type { Problem } from '../../domain/record.js';

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
