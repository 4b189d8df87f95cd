/**
 * Content filters, in the dialects of CloudEvents Subscriptions: `exact`, `prefix` and `suffix` compare an attribute
 * of a record with a value; `all`, `any` and `not` combine filters. Pure functions.
 */
import { jsonPointerProblem, parseJsonPointer, partAt } from './json-pointer.js';
import { UNREADABLE } from './payload-json.js';
import type { Record } from './record.js';
import { noParameters, type ParametersOf } from './topic-parameters.js';

export const COMPARISONS = ['exact', 'prefix', 'suffix'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** A filter in resolved form. `attribute`: `topic`, `parameter:NAME`, `user:NAME`, or a JSON pointer into the payload. */
export type Filter =
  | { kind: Comparison; attribute: string; value: string }
  | { kind: 'all' | 'any'; of: readonly Filter[] }
  | { kind: 'not'; of: Filter };

/** How deep filters may be nested: a lone comparison is 1 deep. */
export const FILTER_DEPTH_MAX = 8;
/** How many comparisons one filter may hold. */
export const FILTER_COMPARISONS_MAX = 256;

/** What an attribute that is a topic parameter begins with. */
export const PARAMETER = 'parameter:';

/**
 * Whether a record passes. `json` gives its payload as JSON, undefined when it is none; asked only when needed. Of one that is
 * {@link UNREADABLE} everything may be so: the record passes unless the rest of the filter leaves it out.
 */
export type Selects = (record: Record, json: (record: Record) => unknown) => boolean;

/** Why `attribute` names nothing of a record; undefined when it does. */
export function attributeProblem(attribute: string): string | undefined {
  if (attribute === 'topic') return undefined;
  if (attribute.startsWith('user:')) return attribute.length > 5 ? undefined : 'names no user property';
  if (attribute.startsWith(PARAMETER)) return attribute.length > PARAMETER.length ? undefined : 'names no parameter';
  if (attribute.startsWith('/')) return jsonPointerProblem(attribute);
  return 'is no attribute of a record';
}

/** What is wrong with a filter that did not come through the configuration file; undefined when nothing is. */
export function filterProblem(filter: Filter, depth = 1): string | undefined {
  if (depth > FILTER_DEPTH_MAX) return `nested more than ${FILTER_DEPTH_MAX} deep`;
  if ('attribute' in filter) return attributeProblem(filter.attribute);
  const parts: readonly Filter[] = filter.kind === 'not' ? [filter.of] : filter.of;
  return parts.map((part) => filterProblem(part, depth + 1)).find((problem) => problem !== undefined);
}

/** Compiles a filter whose attributes have no problem. A parameter that a topic has not equals nothing. */
export function compileFilter(filter: Filter, parametersOf = noParameters): Selects {
  return compiled(filter, parametersOf, true);
}

/** @param doubt what a comparison with a payload that is unreadable comes to: false below an odd number of `not` */
function compiled(filter: Filter, parametersOf: ParametersOf, doubt: boolean): Selects {
  switch (filter.kind) {
    case 'all': {
      const parts = filter.of.map((one) => compiled(one, parametersOf, doubt));
      return (record, json) => parts.every((part) => part(record, json));
    }
    case 'any': {
      const parts = filter.of.map((one) => compiled(one, parametersOf, doubt));
      return (record, json) => parts.some((part) => part(record, json));
    }
    case 'not': {
      const part = compiled(filter.of, parametersOf, !doubt);
      return (record, json) => !part(record, json);
    }
    case 'exact':
    case 'prefix':
    case 'suffix':
      return compileComparison(filter, parametersOf, doubt);
  }
}

function compileComparison(
  { kind, attribute, value }: Extract<Filter, { attribute: string }>,
  parametersOf: ParametersOf,
  doubt: boolean,
): Selects {
  const matches = textMatcher(kind, value);
  if (attribute === 'topic') return ({ topic }) => matches(topic);
  if (attribute.startsWith(PARAMETER)) {
    const name = attribute.slice(PARAMETER.length);
    return ({ topic }) => {
      const values = parametersOf(topic);
      return Object.hasOwn(values, name) && matches(values[name]!);
    };
  }
  if (attribute.startsWith('user:')) {
    const name = attribute.slice('user:'.length);
    return ({ properties }) =>
      properties?.userProperties?.some((pair) => pair[0] === name && matches(pair[1])) ?? false;
  }
  const pointer = parseJsonPointer(attribute);
  const number = kind === 'exact' ? canonicalNumber(value) : undefined;
  return (record, json) => {
    const payload = json(record);
    if (payload === UNREADABLE) return doubt;
    const part = partAt(payload, pointer);
    if (typeof part === 'string') return matches(part);
    if (kind !== 'exact') return false;
    if (typeof part === 'number') return String(part) === number;
    return typeof part === 'boolean' && String(part) === value;
  };
}

function textMatcher(kind: Comparison, value: string): (text: string) => boolean {
  if (kind === 'exact') return (text) => text === value;
  return kind === 'prefix' ? (text) => text.startsWith(value) : (text) => text.endsWith(value);
}

/** `1.0` and `1e0` in the file mean the number that JSON writes `1`; undefined when the text is no JSON number. */
function canonicalNumber(text: string): string | undefined {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? String(Number(text)) : undefined;
}
