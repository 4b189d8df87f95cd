import type { DeadLetterFilter, RejectionFilter, TopicAndTime } from '../domain/listing.js';
import type { RecordQuery } from './records.js';
import { Parameters, type Fields } from './parameters.js';
import type { PageRequest } from './list.js';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1_000;

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

type ReadFilter<Filter> = (parameters: Parameters) => Filter;

/** `from` and `to` say when it became one. */
export function deadLetterFilter(parameters: Parameters): DeadLetterFilter {
  const subscriber = parameters.text('subscriber');
  return { subscriber, reason: parameters.text('reason'), ...topicAndTime(parameters) };
}

export function rejectionFilter(parameters: Parameters): RejectionFilter {
  const contract = parameters.text('contract');
  return { contract, reason: parameters.text('reason'), ...topicAndTime(parameters) };
}

/** `from` and `to`: a position or a time. */
export function recordQuery(parameters: Parameters): RecordQuery {
  const topics = parameters.filters('topic');
  return { topics, ...parameters.range() };
}

function topicAndTime(parameters: Parameters): TopicAndTime {
  const topics = parameters.filters('topic');
  const from = parameters.instant('from');
  const to = parameters.instant('to');
  if (from !== undefined && to !== undefined && to < from) parameters.problem('to', 'is before from');
  return { topics, from, to };
}

/** A page of a list, as a query asks for it. @throws REQUEST_INVALID */
export function listOf<Filter>(query: Fields, read: ReadFilter<Filter>): { filter: Filter; request: PageRequest } {
  const parameters = new Parameters(query);
  const filter = read(parameters);
  const request = pageOf(parameters);
  parameters.done();
  return { filter, request };
}

/** The parameters of a page that are not its filter. */
function pageOf(parameters: Parameters): PageRequest {
  return {
    order: parameters.word('order', ['asc', 'desc']) ?? 'desc',
    limit: parameters.whole('limit', 1, PAGE_MAX) ?? PAGE_DEFAULT,
    after: parameters.whole('after', 0, Number.MAX_SAFE_INTEGER),
  };
}

/** What a query selects to be deleted. Everything must be asked for in words. @throws REQUEST_INVALID */
export function selectionOfQuery<Filter extends object>(query: Fields, read: ReadFilter<Filter>): Selection<Filter> {
  const parameters = new Parameters(query);
  const filter = read(parameters);
  checkAll(parameters, isFilter(filter), 'a filter');
  const after = parameters.whole('after', 0, Number.MAX_SAFE_INTEGER) ?? 0;
  parameters.done();
  return { filter, after };
}

/** What a body selects to be replayed. @param keyName what keys are called @throws REQUEST_INVALID */
export function selectionOfBody<Filter extends object>(
  body: unknown,
  keyName: 'numbers' | 'positions',
  read: ReadFilter<Filter>,
): Selection<Filter> {
  const parameters = Parameters.ofBody(body);
  const keys = parameters.list(keyName, isKey, `${keyName} from 1`);
  const ids = parameters.list('ids', isText, 'ids of records');
  const filter = read(parameters);
  const picked = parameters.has(keyName) || parameters.has('ids');
  checkAll(parameters, picked || isFilter(filter), `${keyName}, ids, a filter`);
  if (parameters.has(keyName) && (parameters.has('ids') || isFilter(filter))) {
    parameters.problem(keyName, 'name the entries: give neither ids nor a filter with them');
  }
  const after = parameters.whole('after', 0, Number.MAX_SAFE_INTEGER) ?? 0;
  parameters.done();
  return { keys, ids: ids && new Set(ids.map((id) => id.toLowerCase())), filter, after };
}

function checkAll(parameters: Parameters, selects: boolean, what: string): void {
  const all = parameters.flag('all');
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
  return typeof value === 'string' && value.length <= 64;
}
