import type { DoctorLine } from './shown/types.js';

/** `holdfast doctor`, of the gateway that runs. */
export abstract class Examiner {
  /**
   * Resolves when it is over, whatever it found. One at a time is enough for a broker.
   * @param tell is told of each line as soon as it is known @param interrupted ends it, cleaned up
   */
  abstract examine(
    probeTopics: readonly string[],
    tell: (line: DoctorLine) => void,
    interrupted: AbortSignal,
  ): Promise<void>;
  /** Filters that topics may be published to. */
  abstract readonly allow: readonly string[];
}
