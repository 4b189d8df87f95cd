/** The keywords of JSON Schema, by what stands in them. */
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { Draft } from './dialect.js';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const ONE = words('additionalProperties propertyNames contains not if then else items');
const MANY = words('allOf anyOf oneOf items');
const NAMED = words('properties patternProperties');
const PLAIN = words(`type enum const format title description default examples readOnly writeOnly
  multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems
  maxProperties minProperties required contentMediaType contentEncoding`);
const SINCE_2019 = words('deprecated dependentRequired maxContains minContains');

/** How what stands in a keyword is read; undefined: this draft has no such keyword. */
export type Holds = { schema: boolean; list: boolean; map: boolean; plain: boolean };

export function holdsOf(keyword: string, draft: Draft): Holds | undefined {
  const old = draft === 'draft-07';
  const latest = draft === '2020-12';
  const one = ONE.includes(keyword) || (!latest && keyword === 'additionalItems') || (!old && isNew(keyword));
  const list = (MANY.includes(keyword) && !(latest && keyword === 'items')) || (latest && keyword === 'prefixItems');
  const map = NAMED.includes(keyword) || keyword === (old ? 'dependencies' : 'dependentSchemas');
  const plain = PLAIN.includes(keyword) || (!old && SINCE_2019.includes(keyword));
  return one || list || map || plain ? { schema: one, list, map, plain } : undefined;
}

function isNew(keyword: string): boolean {
  return keyword === 'unevaluatedItems' || keyword === 'unevaluatedProperties';
}

/** They say nothing about which payloads are valid, or are gathered elsewhere. */
const SILENT = new Set(
  words(`$schema $id id $anchor $comment $vocabulary definitions $defs externalDocs example xml deprecated tags
    contentSchema summary name`),
);

const ANNOTATIONS = words('title description default examples readOnly writeOnly deprecated');

/** Says nothing about which payloads are valid, and can be taken over. */
export function isAnnotation(keyword: string): boolean {
  return ANNOTATIONS.includes(keyword);
}

export function isSilent(keyword: string): boolean {
  return SILENT.has(keyword) || keyword.startsWith('x-');
}

const OBJECTS = words(`properties patternProperties additionalProperties propertyNames required maxProperties
  minProperties dependencies dependentRequired dependentSchemas unevaluatedProperties`);
const ARRAYS = words(`items prefixItems additionalItems contains maxItems minItems uniqueItems maxContains minContains
  unevaluatedItems`);
const NUMBERS = words('multipleOf maximum minimum exclusiveMaximum exclusiveMinimum');
const STRINGS = words('maxLength minLength pattern');
const NUMBER_FORMATS = words('int32 int64 float double');

export const EVERY_TYPE = words('object array string number boolean null');

/** The only type that a keyword says something about; undefined: it is for all of them. */
export function typeOf(keyword: string, value: unknown): string | undefined {
  if (OBJECTS.includes(keyword)) return 'object';
  if (ARRAYS.includes(keyword)) return 'array';
  if (NUMBERS.includes(keyword)) return 'number';
  if (STRINGS.includes(keyword)) return 'string';
  if (keyword !== 'format') return undefined;
  return NUMBER_FORMATS.some((format) => format === value) ? 'number' : 'string';
}

/** Formats that the gateway checks; any other would stop a contract from compiling. */
export function isKnownFormat(format: unknown): boolean {
  return typeof format === 'string' && Object.hasOwn(fullFormats, format);
}
