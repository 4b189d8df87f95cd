import type { Clock } from '../domain/clock.js';
import { RATE_COUNTS, RATE_LEVELS, type RateCount, type RateLevel, type Rates } from './shown/types.js';

/** What was seen at one moment: counts since the start, and levels. Left out: not known, because a thread says nothing. */
export interface Sample {
  counts: { [name in RateCount]?: number };
  levels: { [name in RateLevel]?: number };
}

export type Span = '1h' | '24h';
export const SPANS: readonly Span[] = ['1h', '24h'];

/** So often a sample is taken. */
export const SAMPLE_MS = 5_000;
/** How many samples make a step. */
const STEPS: { readonly [span in Span]: { samples: number; kept: number } } = {
  '1h': { samples: 1, kept: 720 },
  '24h': { samples: 12, kept: 1_440 },
};
/** Of several samples the largest counts: a peak must not be lost in an average. Of the others the last does. */
const PEAKS: ReadonlySet<RateLevel> = new Set(['commitSecondsMax', 'lagSeconds']);

/** One column of a ring; NaN: not known. */
type Column = Float64Array;

/** The steps of one span, the oldest forgotten. */
class Steps {
  readonly #columns = new Map<string, Column>();
  #taken = 0;

  constructor(private readonly kept: number) {
    for (const name of [...RATE_COUNTS, ...RATE_LEVELS]) this.#columns.set(name, new Float64Array(kept));
  }

  add(row: ReadonlyMap<string, number>): void {
    for (const [name, column] of this.#columns) column[this.#taken % this.kept] = row.get(name) ?? NaN;
    this.#taken++;
  }

  of(name: string): (number | null)[] {
    const count = Math.min(this.#taken, this.kept);
    const column = this.#columns.get(name)!;
    return Array.from({ length: count }, (_, i) => {
      const value = column[(this.#taken - count + i) % this.kept]!;
      return Number.isNaN(value) ? null : value;
    });
  }
}

/** What happened in a step so far. */
class Step {
  readonly row = new Map<string, number>();
  samples = 0;

  add(row: ReadonlyMap<string, number>): void {
    for (const name of RATE_COUNTS) this.#merge(name, row, (one, other) => one + other);
    for (const name of RATE_LEVELS) this.#merge(name, row, PEAKS.has(name) ? Math.max : (_, other) => other);
    this.samples++;
  }

  #merge(name: string, row: ReadonlyMap<string, number>, together: (one: number, other: number) => number): void {
    const [before, value] = [this.row.get(name), row.get(name)];
    if (value !== undefined) this.row.set(name, before === undefined ? value : together(before, value));
  }
}

/** The last hour and the last day, in steps. */
export class RateHistory {
  readonly #spans = new Map(
    SPANS.map((span) => [span, { steps: new Steps(STEPS[span].kept), step: new Step(), until: 0 }]),
  );
  /** Counts as they were last known. */
  #before: Sample['counts'] = {};
  #takenAt: number;

  constructor(private readonly clock: Clock) {
    this.#takenAt = clock.monotonic();
    for (const kept of this.#spans.values()) kept.until = clock.now();
  }

  /** To be called every {@link SAMPLE_MS}; when it was not, because this thread stood still, nothing is known of the steps between. */
  take({ counts, levels }: Sample): void {
    const passed = Math.max(1, Math.round((this.clock.monotonic() - this.#takenAt) / SAMPLE_MS));
    this.#takenAt = this.clock.monotonic();
    const most = STEPS['24h'].kept * STEPS['24h'].samples;
    for (let missed = Math.min(passed - 1, most); missed > 0; missed--) this.#add(new Map());
    const row = new Map<string, number>();
    for (const name of RATE_COUNTS) {
      const [before = 0, now] = [this.#before[name], counts[name]];
      if (now !== undefined) row.set(name, Math.max(0, now - before));
    }
    for (const name of RATE_LEVELS) if (levels[name] !== undefined) row.set(name, levels[name]);
    this.#before = { ...this.#before, ...counts };
    this.#add(row);
  }

  rates(span: Span): Rates {
    const { steps, until } = this.#spans.get(span)!;
    const columns = <K extends string>(names: readonly K[]): { [name in K]: (number | null)[] } =>
      Object.fromEntries(names.map((name) => [name, steps.of(name)])) as { [name in K]: (number | null)[] };
    return {
      now: new Date(this.clock.now()).toISOString(),
      until: new Date(until).toISOString(),
      stepSeconds: (STEPS[span].samples * SAMPLE_MS) / 1_000,
      counts: columns(RATE_COUNTS),
      levels: columns(RATE_LEVELS),
    };
  }

  #add(row: ReadonlyMap<string, number>): void {
    for (const [span, kept] of this.#spans) {
      kept.step.add(row);
      if (kept.step.samples < STEPS[span].samples) continue;
      kept.steps.add(kept.step.row);
      kept.step = new Step();
      kept.until = this.clock.now();
    }
  }
}
