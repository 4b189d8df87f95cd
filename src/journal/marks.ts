import { isSampled, traceOf, type ReceivedMark } from '../domain/trace.js';

/** As many as are kept until their transaction is on disk; more are given up. */
const MARKS_MAX = 4_096;

/** When records that are traced were written. What is rolled back is written anew, at the same positions. */
export class AppendMarks {
  readonly #marks = new Map<number, Omit<ReceivedMark, 'committed'>>();

  /** @param share of the records that are traced @param tell is given those that are on disk */
  constructor(
    private readonly share: number,
    private readonly now: () => number,
    private readonly tell: (marks: ReceivedMark[]) => void,
  ) {}

  written(
    position: number,
    id: string,
    topic: string,
    receivedAt: number,
    userProperties: readonly (readonly [string, string])[] | undefined,
  ): void {
    if (!isSampled(id, this.share) || this.#marks.size >= MARKS_MAX) return;
    const parent = userProperties && traceOf(userProperties)?.parent;
    this.#marks.set(position, {
      id,
      topic,
      receivedAt,
      begun: this.now(),
      ...(parent === undefined ? {} : { parent }),
    });
  }

  /** A transaction is on disk, and nothing else was begun. */
  committed(): void {
    if (this.#marks.size === 0) return;
    const committed = this.now();
    this.tell([...this.#marks.values()].map((mark) => ({ ...mark, committed })));
    this.#marks.clear();
  }

  rolledBack(): void {
    this.#marks.clear();
  }
}
