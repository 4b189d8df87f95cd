import { parseInstant, parsePlace, type Place } from '../domain/instant.js';
import { invalid, pointerTo, type RequestProblem } from '../domain/request-problem.js';
import { topicFilterProblem } from '../domain/topic.js';

const TEXT_CHARACTERS_MAX = 256;
const FILTERS_MAX = 100;
/** Numbers or ids in one request. */
const LIST_MAX = 1_000;
const TIME_MEND = 'a time with an offset, such as 2026-01-31T12:00:00Z';

export interface Fields {
  [name: string]: unknown;
}

/**
 * Reads the parameters of a query, or the fields of a body, and gathers what is wrong with them. What is left out
 * is undefined. A name that nobody asked for is refused: an answer without it would be taken for one with it.
 */
export class Parameters {
  readonly #problems: RequestProblem[] = [];
  readonly #known = new Set<string>();

  constructor(private readonly fields: Fields) {}

  /** The fields of a JSON body, which must be an object. @throws REQUEST_INVALID */
  static ofBody(body: unknown): Parameters {
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return new Parameters(body as Fields);
    throw invalid([{ pointer: '', message: 'the body must be a JSON object' }]);
  }

  /** @param index of what is wrong in a list */
  problem(name: string, message: string, index?: number): undefined {
    this.#problems.push({ pointer: pointerTo(name, ...(index === undefined ? [] : [String(index)])), message });
  }

  has(name: string): boolean {
    return Object.hasOwn(this.fields, name);
  }

  text(name: string): string | undefined {
    const value = this.#one(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '' && value.length <= TEXT_CHARACTERS_MAX) return value;
    return this.problem(name, `must be a text of 1 to ${TEXT_CHARACTERS_MAX} characters`);
  }

  word<T extends string>(name: string, words: readonly T[]): T | undefined {
    const value = this.#one(name);
    if (value === undefined || words.includes(value as T)) return value as T | undefined;
    return this.problem(name, `must be ${words.join(' or ')}`);
  }

  /** Whether it is there and says true. */
  flag(name: string): boolean {
    const value = this.#one(name);
    if (value === undefined) return false;
    if (value !== true && value !== 'true') this.problem(name, 'can only be true');
    return true;
  }

  whole(name: string, min: number, max: number): number | undefined {
    const value = this.#one(name);
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= min && number <= max) return number;
    return this.problem(name, `must be a whole number from ${min} to ${max}`);
  }

  /** Milliseconds since the epoch, which may be written so, too. */
  instant(name: string): number | undefined {
    const value = this.#one(name);
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
    return (
      (typeof value === 'string' ? parseInstant(plus(value)) : undefined) ?? this.problem(name, `must be ${TIME_MEND}`)
    );
  }

  /** A position or a time. */
  place(name: string): Place | undefined {
    const value = this.#one(name);
    if (value === undefined) return undefined;
    const text = typeof value === 'number' ? String(value) : value;
    const place = typeof text === 'string' ? parsePlace(plus(text)) : undefined;
    return place ?? this.problem(name, `must be a position from 1, or ${TIME_MEND}`);
  }

  /** The parameters `from` and `to`, each a position or a time. */
  range(): { from: Place | undefined; to: Place | undefined } {
    const [from, to] = [this.place('from'), this.place('to')];
    const positions = from && to && 'position' in from && 'position' in to && to.position < from.position;
    const times = from && to && 'time' in from && 'time' in to && to.time < from.time;
    if (positions || times) this.problem('to', 'is before from');
    return { from, to };
  }

  /** Topic filters: one, or several under the same name. */
  filters(name: string): string[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const filters: unknown[] = Array.isArray(value) ? value : [value];
    if (filters.length === 0 || filters.length > FILTERS_MAX) {
      return this.problem(name, `must be 1 to ${FILTERS_MAX} topic filters`);
    }
    const problems = filters.map(filterProblem);
    for (const [i, problem] of problems.entries()) {
      if (problem !== undefined) this.problem(name, problem, Array.isArray(value) ? i : undefined);
    }
    return problems.some((problem) => problem !== undefined) ? undefined : (filters as string[]);
  }

  /** A list of a body. @param fits whether this may be one of them @param what it must be, for the problem */
  list<T>(name: string, fits: (value: unknown) => value is T, what: string): T[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.length > 0 && value.length <= LIST_MAX && value.every(fits)) return value;
    return this.problem(name, `must be a list of 1 to ${LIST_MAX} ${what}`);
  }

  /** @throws REQUEST_INVALID with everything that is wrong */
  done(): void {
    for (const name of Object.keys(this.fields)) {
      if (!this.#known.has(name)) this.problem(name, `is not known here; there are ${[...this.#known].join(', ')}`);
    }
    if (this.#problems.length > 0) throw invalid(this.#problems);
  }

  #take(name: string): unknown {
    this.#known.add(name);
    return this.has(name) ? this.fields[name] : undefined;
  }

  #one(name: string): unknown {
    const value = this.#take(name);
    return Array.isArray(value) ? this.problem(name, 'must be there once') : value;
  }
}

/** In a query `+` means a space. */
function plus(time: string): string {
  return time.replace(' ', '+');
}

function filterProblem(filter: unknown): string | undefined {
  if (typeof filter !== 'string') return 'must be a topic filter';
  if (filter.startsWith('$share/')) return 'may not be a shared filter: only subscriptions share';
  return topicFilterProblem(filter);
}

/** The number an address ends with. @throws REQUEST_INVALID */
export function keyOf(text: string): number {
  if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw invalid([{ pointer: '', message: 'the address must end with a whole number from 1' }]);
}
