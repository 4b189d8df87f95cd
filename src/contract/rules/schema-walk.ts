/** Where in a JSON Schema its subschemas are, in the three drafts alike. What is data (`const`, `examples`) is passed by. */
import { pointerTo } from '../problem.js';

export type Schema = { readonly [keyword: string]: unknown } | boolean;
export type SchemaObject = Exclude<Schema, boolean>;

const NAMED_SCHEMAS = [
  ...['$defs', 'definitions', 'properties', 'patternProperties', 'dependentSchemas', 'dependencies'],
];
const SCHEMAS = [
  ...['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items', 'additionalItems', 'unevaluatedItems', 'contains'],
  ...['additionalProperties', 'unevaluatedProperties', 'propertyNames', 'not', 'if', 'then', 'else', 'contentSchema'],
];

export interface Place {
  schema: SchemaObject;
  /** JSON pointer from the document's root. */
  pointer: string;
  /** What references in it are relative to. */
  base: string;
}

/** Every object that is a schema: the document's root first, each before what is in it. */
export function* places(schema: unknown, base: string, resolve: Resolve, pointer = ''): Generator<Place> {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return;
  const here = schema as SchemaObject;
  const id = here['$id'];
  const inner = typeof id === 'string' ? withoutFragment(resolve(base, id)) : base;
  yield { schema: here, pointer, base: inner };
  for (const keyword of NAMED_SCHEMAS) {
    const named = here[keyword];
    if (typeof named !== 'object' || named === null || Array.isArray(named)) continue;
    for (const [name, one] of Object.entries(named)) {
      yield* places(one, inner, resolve, pointerTo(`${pointer}/${keyword}`, name));
    }
  }
  for (const keyword of SCHEMAS) {
    const one = here[keyword];
    if (Array.isArray(one)) {
      for (const [i, item] of one.entries()) yield* places(item, inner, resolve, `${pointer}/${keyword}/${i}`);
    } else yield* places(one, inner, resolve, `${pointer}/${keyword}`);
  }
}

/** A reference made absolute [RFC 3986, 5.2]. */
export type Resolve = (base: string, reference: string) => string;

export function withoutFragment(uri: string): string {
  const hash = uri.indexOf('#');
  return hash < 0 ? uri : uri.slice(0, hash);
}
