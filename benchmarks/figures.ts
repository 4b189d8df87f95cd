/** What was measured, and how it is shown. */

export interface Options {
  /** How often each contender is measured, in turn with the other. */
  pairs: number;
  /** Messages of one measurement; undefined: the benchmark's own number. */
  messages: number | undefined;
  say: (progress: string) => void;
}

/** One line of the outcome. */
export interface Line {
  name: string;
  /** One figure for each measurement, in the order taken. */
  values: number[];
  /** Digits after the point. */
  digits: number;
  /** The median must be at least, or at most, this. */
  bound?: { least: number } | { most: number };
}

/** One benchmark: measures, says how far it is, and resolves with its lines. */
export type Benchmark = (options: Options) => Promise<Line[]>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Quotients of what was measured in turn: the noise of the machine hits both alike. */
export function ratios(of: readonly number[], by: readonly number[]): number[] {
  return of.map((value, i) => value / by[i]!);
}

export function passes({ values, bound }: Line): boolean {
  if (!bound) return true;
  return 'least' in bound ? median(values) >= bound.least : median(values) <= bound.most;
}

/** The outcome as a table; a bound's last column says `pass` or `short`. */
export function table(lines: readonly Line[]): string {
  const rows = lines.map((line) => [line.name, shown(median(line.values), line.digits), spread(line), verdict(line)]);
  const all = [['', 'median', 'spread', 'bound'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map(([name, middle, from, bound]) =>
      `${name!.padEnd(widths[0]!)}  ${middle!.padStart(widths[1]!)}  ${from!.padStart(widths[2]!)}  ${bound}`.trimEnd(),
    )
    .join('\n');
}

function spread({ values, digits }: Line): string {
  if (values.length < 2) return '';
  return `${shown(Math.min(...values), digits)} – ${shown(Math.max(...values), digits)}`;
}

function verdict(line: Line): string {
  if (!line.bound) return '';
  const wanted = 'least' in line.bound ? `at least ${line.bound.least}` : `at most ${line.bound.most}`;
  return `${passes(line) ? 'pass' : 'short'} (${wanted})`;
}

function shown(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, digits === 0 ? ' ' : '');
}
