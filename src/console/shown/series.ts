/** What the charts draw, and what they say to who cannot see them. */
import type { RateCount, RateLevel, Rates } from './types.js';

export interface Line {
  label: string;
  /** One for each time; null: not known. */
  values: (number | null)[];
}

export interface Series {
  /** Seconds since the epoch: the end of each step. */
  times: number[];
  lines: Line[];
}

export function countsPerSecond(rates: Rates, names: { readonly [label: string]: RateCount }): Series {
  const lines = Object.entries(names).map(([label, name]) => ({
    label,
    values: rates.counts[name].map((count) => (count === null ? null : count / rates.stepSeconds)),
  }));
  return { times: times(rates, lines), lines };
}

export function levels(rates: Rates, names: { readonly [label: string]: RateLevel }): Series {
  const lines = Object.entries(names).map(([label, name]) => ({ label, values: rates.levels[name] }));
  return { times: times(rates, lines), lines };
}

function times({ until, stepSeconds }: Rates, [line]: Line[]): number[] {
  const length = line?.values.length ?? 0;
  const end = Date.parse(until) / 1000;
  return Array.from({ length }, (_, index) => end - (length - 1 - index) * stepSeconds);
}

export interface Summary {
  label: string;
  now?: number;
  mean?: number;
  max?: number;
}

/** Of what is known; nothing where nothing is. */
export function summary({ label, values }: Line): Summary {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { label };
  const sum = known.reduce((total, value) => total + value, 0);
  const max = known.reduce((most, value) => Math.max(most, value), 0);
  return { label, now: known.at(-1), mean: sum / known.length, max };
}

/** One sentence for each line. */
export function inWords({ lines }: Series, format: (value: number) => string): string {
  return lines
    .map(summary)
    .map(({ label, now, mean, max }) => {
      if (now === undefined || mean === undefined || max === undefined) return `${label}: not known.`;
      return `${label}: now ${format(now)}, on average ${format(mean)}, at most ${format(max)}.`;
    })
    .join(' ');
}

/** The top of the axis when nothing is there: a chart of zeros has its line at the bottom. */
export function topOf(max: number | null | undefined, least: number): number {
  return Math.max((max ?? 0) * 1.1, least);
}
