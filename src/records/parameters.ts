import { parseInstant, parsePlace, type Place } from '../domain/instant.js';
import { invalid, pointerTo, PROBLEMS_MAX, type RequestProblem } from '../domain/request-problem.js';
import { listOf as schemaOfList, Optional, Schema, text as anyText, words, type Keywords } from '../domain/schema.js';
import { topicFilterProblem } from '../domain/topic.js';

const TEXT_CHARACTERS_MAX = 256;
const FILTERS_MAX = 100;
/** Numbers or ids in one request. */
const LIST_MAX = 1_000;
const TIME_MEND = 'a time with an offset, such as 2026-01-31T12:00:00Z';

export interface Fields {
  [name: string]: unknown;
}

/** Takes what is wrong with a value. @param index of what is wrong in a list */
type Tell = (message: string, index?: number) => undefined;

/** What a parameter of a query, or a field of a body, may be: how it is read, and how it is described. */
export class Parameter<T> extends Optional<unknown> {
  /** @param read undefined when it told that something is wrong */
  constructor(
    schema: Schema<unknown>,
    readonly read: (value: unknown, tell: Tell) => T | undefined,
  ) {
    super(schema);
  }

  /** The same, for something. */
  says(description: string): Parameter<T> {
    return new Parameter(this.schema.says(description), this.read);
  }

  /** The same, when it is left out. */
  orElse(standard: string | number): Parameter<T> {
    return new Parameter(this.schema.with({ default: standard }), this.read);
  }
}

export interface Known {
  readonly [name: string]: Parameter<unknown>;
}

type ValuesOf<K extends Known> = { [name in keyof K]?: K[name] extends Parameter<infer T> ? T : never };

/** One that may not be there twice. */
function single<T>(keywords: Keywords, read: (value: unknown) => T | undefined, message: string): Parameter<T> {
  return new Parameter<T>(new Schema<unknown>(keywords), (value, tell) => {
    if (Array.isArray(value)) return tell('must be there once');
    return read(value) ?? tell(message);
  });
}

export const text = single(
  { type: 'string', minLength: 1, maxLength: TEXT_CHARACTERS_MAX },
  (value) => {
    return typeof value === 'string' && value !== '' && value.length <= TEXT_CHARACTERS_MAX ? value : undefined;
  },
  `must be a text of 1 to ${TEXT_CHARACTERS_MAX} characters`,
);

export function word<const W extends readonly string[]>(...all: W): Parameter<W[number]> {
  const read = (value: unknown): W[number] | undefined => all.find((one) => one === value);
  return single(words(...all).keywords, read, `must be ${all.join(' or ')}`);
}

/** It is there and says true, or it is not there. */
export const flag = single(
  { const: true },
  (value) => (value === true || value === 'true' ? true : undefined),
  'can only be true',
);

export function whole(min: number, max: number): Parameter<number> {
  const read = (value: unknown): number | undefined => {
    const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
    const fits = typeof number === 'number' && Number.isSafeInteger(number) && number >= min && number <= max;
    return fits ? number : undefined;
  };
  return single({ type: 'integer', minimum: min, maximum: max }, read, `must be a whole number from ${min} to ${max}`);
}

/** Milliseconds since the epoch, which may be written so, too. */
export const instant = single(
  {
    anyOf: [
      { type: 'string', format: 'date-time' },
      { type: 'integer', minimum: 0, maximum: 1e15 - 1 },
    ],
  },
  (value) => {
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    if (typeof value !== 'string') return undefined;
    return /^\d{1,15}$/.test(value) ? Number(value) : parseInstant(plus(value));
  },
  `must be ${TIME_MEND}`,
);

/** A position or a time. */
export const place = single<Place>(
  {
    anyOf: [
      { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
      { type: 'string', format: 'date-time' },
    ],
  },
  (value) => {
    const written = typeof value === 'number' ? String(value) : value;
    return typeof written === 'string' ? parsePlace(plus(written)) : undefined;
  },
  `must be a position from 1, or ${TIME_MEND}`,
);

/** Topic filters: one, or several under the same name. */
export const filters = new Parameter<string[]>(
  schemaOfList(anyText.with({ minLength: 1 }), { minItems: 1, maxItems: FILTERS_MAX }).as<unknown>(),
  (value, tell) => {
    const all: unknown[] = Array.isArray(value) ? value : [value];
    if (all.length === 0 || all.length > FILTERS_MAX) return tell(`must be 1 to ${FILTERS_MAX} topic filters`);
    const problems = all.map(filterProblem);
    for (const [i, problem] of problems.entries()) {
      if (problem !== undefined) tell(problem, Array.isArray(value) ? i : undefined);
    }
    return problems.some((problem) => problem !== undefined) ? undefined : (all as string[]);
  },
);

/** A list of a body. @param fits whether this may be one of them @param what they must be, for the problem */
export function list<T>(of: Schema<T>, fits: (value: unknown) => value is T, what: string): Parameter<T[]> {
  const schema = schemaOfList(of, { minItems: 1, maxItems: LIST_MAX }).as<unknown>();
  return new Parameter<T[]>(schema, (value, tell) => {
    if (Array.isArray(value) && value.length > 0 && value.length <= LIST_MAX && value.every(fits)) return value;
    return tell(`must be a list of 1 to ${LIST_MAX} ${what}`);
  });
}

/**
 * The parameters of a query, or the fields of a body, and what is wrong with them. A name that is not known is
 * refused: an answer without it would be taken for one with it.
 */
export class Parameters<K extends Known> {
  /** What is left out, or wrong, is undefined. */
  readonly values: ValuesOf<K>;
  readonly #problems: RequestProblem[] = [];

  constructor(
    private readonly known: K,
    private readonly fields: Fields,
  ) {
    const given = Object.keys(known).filter((name) => this.has(name) && fields[name] !== undefined);
    const read = (name: string): unknown =>
      known[name]!.read(fields[name], (message, index) => this.problem(name, message, index));
    this.values = Object.fromEntries(given.map((name) => [name, read(name)])) as ValuesOf<K>;
  }

  /** The fields of a JSON body, which must be an object. @throws REQUEST_INVALID */
  static ofBody<K extends Known>(known: K, body: unknown): Parameters<K> {
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return new Parameters(known, body as Fields);
    throw invalid([{ pointer: '', message: 'the body must be a JSON object' }]);
  }

  problem(name: string, message: string, index?: number): undefined {
    this.#problems.push({ pointer: pointerTo(name, ...(index === undefined ? [] : [String(index)])), message });
  }

  has(name: string): boolean {
    return Object.hasOwn(this.fields, name);
  }

  /** @throws REQUEST_INVALID with everything that is wrong */
  done(): void {
    for (const name of Object.keys(this.fields)) {
      if (Object.hasOwn(this.known, name)) continue;
      if (this.#problems.length >= PROBLEMS_MAX) break;
      this.problem(name, `is not known here; there are ${Object.keys(this.known).join(', ')}`);
    }
    if (this.#problems.length > 0) throw invalid(this.#problems);
  }
}

/** The parameters `from` and `to`, each a position or a time. */
export const range = {
  from: place.says('From this position, or time, on.'),
  to: place.says('Up to this position, or time.'),
};

export function checkRange(parameters: Parameters<typeof range>): void {
  const { from, to } = parameters.values;
  const positions = from && to && 'position' in from && 'position' in to && to.position < from.position;
  const times = from && to && 'time' in from && 'time' in to && to.time < from.time;
  if (positions || times) parameters.problem('to', 'is before from');
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

/** As {@link keyOf} reads it. */
export const key = new Schema<number>({ type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
