/** What ajv would compile and then let pass, although the standard does not. */
import type { Dialect } from './dialect.js';
import type { SchemaDocument } from './schema-files.js';
import { places, type Place, type Resolve } from './schema-walk.js';

/** What is wrong at a place, and a mend; undefined: nothing. */
export type BlindSpot = (place: Place) => string | undefined;

/** @param documents all that one schema is made of: what is said in one has an effect on those it refers to */
export function blindSpots(documents: readonly SchemaDocument[], { uri }: Dialect, resolve: Resolve): BlindSpot {
  const [old, latest] = [uri.includes('draft-07'), uri.includes('2020-12')];
  const all = documents.flatMap((one) => [...places(one.schema, one.uri, resolve)]);
  const evaluates = all.some(({ schema }) => 'unevaluatedProperties' in schema || 'unevaluatedItems' in schema);
  // Where one has an anchor, the others are taken to have one, too.
  const anchored = new Set(all.filter(({ schema }) => schema['$recursiveAnchor'] === true).map(({ base }) => base));
  return ({ schema, pointer, base }) => {
    if (Object.hasOwn((schema['properties'] as object | undefined) ?? {}, '__proto__')) {
      return 'a property named __proto__ would not be checked; use patternProperties';
    }
    if (old) {
      if (pointer === '' || typeof schema['$id'] !== 'string' || schema['$ref'] === undefined) return undefined;
      return 'in draft-07 an $id beside $ref has no effect, and here it would have one; take it out';
    }
    if ('$recursiveRef' in schema && anchored.size > 0 && !anchored.has(base)) {
      return '$recursiveRef would lead to another schema, because this one has no "$recursiveAnchor": true; write "$ref": "#"';
    }
    if (evaluates && 'if' in schema && 'else' in schema && saysNothing(schema['then'])) {
      return 'with else and no then, what if looks at would count as evaluated; add a then, such as { "properties": { "a": true } }';
    }
    if (!latest || schema['unevaluatedItems'] === undefined) return undefined;
    const contains = [...places(schema, '', (at) => at, pointer)].find((one) => one.schema['contains'] !== undefined);
    return contains && `unevaluatedItems would pass over what contains at ${contains.pointer} matched; use items`;
  };
}

function saysNothing(schema: unknown): boolean {
  if (typeof schema === 'object' && schema !== null) return Object.keys(schema).length === 0;
  return schema === undefined || schema === true;
}
