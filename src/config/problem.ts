/** What is wrong with the file, and where. Messages name keys and known words, never values: a value may be a secret. */

export interface ConfigProblem {
  /** Where in the configuration, such as `subscribers[0].url`; empty for the whole file. */
  path: string;
  /** From 1; 0 when the file could not be read at all. */
  line: number;
  /** From 1; 0 when the file could not be read at all. */
  column: number;
  message: string;
  /** What to do about it. */
  mend: string;
}

export type Path = readonly (string | number)[];

export interface Position {
  line: number;
  column: number;
}

/** What is wrong with one value; `at` leads from the value to the faulty part of it. */
export interface Flaw {
  at: Path;
  message: string;
  mend: string;
}

const KEY_CHARACTERS_MAX = 60;

/** `['subscribers', 0, 'url']` as `subscribers[0].url`; keys that are not plain words are quoted and cut. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z0-9_-]{1,60}$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step.slice(0, KEY_CHARACTERS_MAX)).replace(/\p{C}/gu, '?')}]`;
  }
  return text;
}

/** Gathers problems while the file is read and checked; knows where each path stands in the file. */
export class Report {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigProblem[] = [];
  readonly #positions = new Map<string, Position>();
  /** Paths that have a problem of their own. */
  readonly #faulty = new Set<string>();
  /** Those and every path above them. */
  readonly #touched = new Set<string>();

  place(path: Path, position: Position): void {
    this.#positions.set(pathText(path), position);
  }

  /** The first problem of a path is the one that is kept: what follows from it would only distract. */
  problem(path: Path, message: string, mend: string, position = this.positionOf(path)): void {
    const text = pathText(path);
    if (text !== '' && this.#faulty.has(text)) return;
    this.#faulty.add(text);
    for (let length = 0; length <= path.length; length++) this.#touched.add(pathText(path.slice(0, length)));
    this.problems.push({ path: text, ...position, message, mend });
  }

  warning(path: Path, message: string, mend: string): void {
    this.warnings.push({ path: pathText(path), ...this.positionOf(path), message, mend });
  }

  /** Whether nothing is wrong at this path, below it, or with what it is a part of. */
  clean(path: Path): boolean {
    if (this.#touched.has(pathText(path))) return false;
    for (let length = 1; length < path.length; length++) {
      if (this.#faulty.has(pathText(path.slice(0, length)))) return false;
    }
    return true;
  }

  /** Whether it is in the file: what is not has its default. */
  given(path: Path): boolean {
    return this.#positions.has(pathText(path));
  }

  /** Where the path stands; what is not in the file stands where its nearest parent does. */
  positionOf(path: Path): Position {
    for (let length = path.length; length >= 0; length--) {
      const position = this.#positions.get(pathText(path.slice(0, length)));
      if (position) return position;
    }
    return { line: 1, column: 1 };
  }

  /** In the order of the file. */
  sort(): void {
    const byPlace = (a: ConfigProblem, b: ConfigProblem): number => a.line - b.line || a.column - b.column;
    this.problems.sort(byPlace);
    this.warnings.sort(byPlace);
  }
}

/** One readable block per problem; `colour` adds ANSI colours for a terminal. Ends with a line feed unless empty. */
export function formatProblems(file: string, problems: readonly ConfigProblem[], colour: boolean): string {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return problems
    .map(({ path, line, column, message, mend }) => {
      const place = line === 0 ? file : `${file}:${line}:${column}`;
      const subject = path === '' ? '' : `  ${paint(36, path)}`;
      return `${paint(1, place)}${subject}  ${message}\n    ${paint(32, 'mend:')} ${mend}\n`;
    })
    .join('');
}
