import type { DeadLetterFilter, RejectionFilter, TopicAndTime } from '../domain/listing.js';
import type { RecordQuery } from './records.js';
import { objectKeywords, Schema, text as anyText } from '../domain/schema.js';
import type { PageRequest } from './list.js';
import {
  checkRange,
  filters,
  flag,
  instant,
  key,
  list,
  Parameters,
  range,
  text,
  whole,
  word,
  type Fields,
  type Known,
  type Parameter,
} from './parameters.js';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;
const ID_CHARACTERS_MAX = 64;

/** Which entries of a list a change is for: the ones with these keys, or all that the filter and the ids let through. */
export interface Selection<Filter> {
  /** Numbers of dead letters, positions of rejections. */
  keys?: number[];
  /** Ids of records. */
  ids?: ReadonlySet<string>;
  filter: Filter;
  /** Those with a higher key: an answer's `next`. */
  after: number;
}

/** What a list can be narrowed by. */
export interface FilterKind<Filter> {
  parameters: Known;
  of(read: Parameters<Known>): Filter;
}

function filterKind<K extends Known, Filter>(parameters: K, of: (read: Parameters<K>) => Filter): FilterKind<Filter> {
  return { parameters, of: of };
}

const topics = filters.says('Topic filters; one of them must match.');
const since = {
  topic: topics,
  from: instant.says('From this time on: with an offset, or in milliseconds since 1970.'),
  to: instant.says('Up to this time.'),
};
const reason = text.says('One of the closed list of reasons.');

/** `from` and `to` say when it became one. */
export const deadLetterFilter = filterKind({ subscriber: text.says('Its id.'), reason, ...since }, (read) => {
  const { subscriber, reason } = read.values;
  return { subscriber, reason, ...topicAndTime(read) } satisfies DeadLetterFilter;
});

export const rejectionFilter = filterKind({ contract: text.says('Its name.'), reason, ...since }, (read) => {
  const { contract, reason } = read.values;
  return { contract, reason, ...topicAndTime(read) } satisfies RejectionFilter;
});

/** `from` and `to`: a position or a time. */
export const recordQuery = filterKind({ topic: topics, ...range }, (read) => {
  checkRange(read);
  const { topic, from, to } = read.values;
  return { topics: topic, from, to } satisfies RecordQuery;
});

function topicAndTime(read: Parameters<typeof since>): TopicAndTime {
  const { topic, from, to } = read.values;
  if (from !== undefined && to !== undefined && to < from) read.problem('to', 'is before from');
  return { topics: topic, from, to };
}

const page = {
  order: word('asc', 'desc').orElse('desc').says('By position; `desc`: the newest first.'),
  limit: whole(1, PAGE_MAX).orElse(PAGE_DEFAULT).says('So many entries in a page, at most.'),
  after: whole(0, Number.MAX_SAFE_INTEGER).says('`next` of the page before.'),
};
const selected = {
  all: flag.says('Everything: nothing is selected by leaving all out.'),
  after: whole(0, Number.MAX_SAFE_INTEGER).says('`next` of the answer before, which had no time for all.'),
};

/** What a page of a list can be asked for with. */
export function listParameters({ parameters }: FilterKind<unknown>): Known {
  return { ...parameters, ...page };
}

/** A page of a list, as a query asks for it. @throws REQUEST_INVALID */
export function listOf<Filter>(query: Fields, kind: FilterKind<Filter>): { filter: Filter; request: PageRequest } {
  const parameters = new Parameters({ ...kind.parameters, ...page }, query);
  const filter = kind.of(parameters);
  parameters.done();
  const { order = 'desc', limit = PAGE_DEFAULT, after } = parameters.values;
  return { filter, request: { order, limit, after } };
}

/** What can select entries to be deleted. */
export function selectionParameters({ parameters }: FilterKind<unknown>): Known {
  return { ...parameters, ...selected };
}

/** What a query selects to be deleted. Everything must be asked for in words. @throws REQUEST_INVALID */
export function selectionOfQuery<Filter extends object>(query: Fields, kind: FilterKind<Filter>): Selection<Filter> {
  const parameters = new Parameters({ ...kind.parameters, ...selected }, query);
  const filter = kind.of(parameters);
  checkAll(parameters, isFilter(filter), 'a filter');
  parameters.done();
  return { filter, after: parameters.values.after ?? 0 };
}

type KeyName = 'numbers' | 'positions';

/** The body that {@link selectionOfBody} reads, for `/openapi.json`. */
export function selectionBody(keyName: KeyName, { parameters }: FilterKind<unknown>): Schema<object> {
  const fields = { ...picks(keyName), ...parameters, ...selected };
  return new Schema<object>({ ...objectKeywords(fields), additionalProperties: false });
}

function picks(keyName: KeyName): { [name in KeyName]: Parameter<number[]> } & { ids: Parameter<string[]> } {
  const keys = { [keyName]: list(key, isKey, `${keyName} from 1`) } as { [name in KeyName]: Parameter<number[]> };
  return { ...keys, ids: list(anyText.with({ maxLength: ID_CHARACTERS_MAX }), isText, 'ids of records') };
}

/** What a body selects to be replayed. @param keyName what keys are called @throws REQUEST_INVALID */
export function selectionOfBody<Filter extends object>(
  body: unknown,
  keyName: KeyName,
  kind: FilterKind<Filter>,
): Selection<Filter> {
  const parameters = Parameters.ofBody({ ...kind.parameters, ...picks(keyName), ...selected }, body);
  const filter = kind.of(parameters);
  const picked = parameters.has(keyName) || parameters.has('ids');
  checkAll(parameters, picked || isFilter(filter), `${keyName}, ids, a filter`);
  if (parameters.has(keyName) && (parameters.has('ids') || isFilter(filter))) {
    parameters.problem(keyName, 'name the entries: give neither ids nor a filter with them');
  }
  parameters.done();
  const { [keyName]: keys, ids, after = 0 } = parameters.values;
  return { keys, ids: ids && new Set(ids.map((id) => id.toLowerCase())), filter, after };
}

function checkAll(parameters: Parameters<Known>, selects: boolean, what: string): void {
  const all = parameters.has('all');
  if (!all && !selects) parameters.problem('all', `give ${what}, or all: true for everything`);
  if (all && selects) parameters.problem('all', `means everything: give it without ${what}`);
}

function isFilter(filter: object): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

function isKey(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= ID_CHARACTERS_MAX;
}
