/** What ajv would compile and then let pass, although the standard does not. */
import type { Dialect } from './dialect.js';
import type { SchemaDocument } from './schema-files.js';
import { pointerTo } from '../problem.js';
import { places, type Place, type Resolve, type SchemaObject } from './schema-walk.js';

/** What is wrong at a place, and a mend; undefined: nothing. */
export type BlindSpot = (place: Place) => string | undefined;

/** @param documents all that one schema is made of: what is said in one has an effect on those it refers to */
export function blindSpots(documents: readonly SchemaDocument[], { uri }: Dialect, resolve: Resolve): BlindSpot {
  const [old, latest] = [uri.includes('draft-07'), uri.includes('2020-12')];
  const all = documents.flatMap((one) => [...places(one.schema, one.uri, resolve)]);
  const evaluates = all.some(({ schema }) => 'unevaluatedProperties' in schema || 'unevaluatedItems' in schema);
  const branches = new Branches(all);
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
    const branching = branches.flawOf({ schema, pointer, base });
    if (branching !== undefined) return branching;
    if (!latest || schema['unevaluatedItems'] === undefined) return undefined;
    const contains = [...places(schema, '', (at) => at, pointer)].find((one) => one.schema['contains'] !== undefined);
    return contains && `unevaluatedItems would pass over what contains at ${contains.pointer} matched; use items`;
  };
}

/** Keywords whose work ajv does not know of, where it depends on the payload whether they do it. */
const LOST_IN_BRANCHES = {
  unevaluatedItems: ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems'],
  unevaluatedProperties: ['patternProperties'],
} as const;
const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'];

interface Branch {
  schema: SchemaObject;
  pointer: string;
}

/** Subschemas about the same value that hold for some payloads only. */
class Branches {
  constructor(private readonly all: readonly Place[]) {}

  flawOf({ schema, pointer }: Place): string | undefined {
    for (const [keyword, lost] of Object.entries(LOST_IN_BRANCHES)) {
      if (schema[keyword] === undefined || schema[keyword] === true) continue;
      const branch = this.#withAny({ schema, pointer }, lost, true);
      const found = branch && lost.find((one) => one in branch.schema);
      if (branch) {
        const what = found ?? '$ref';
        return `${keyword} would pass over what ${what} at ${branch.pointer} did not look at, because only some payloads take that branch; write a schema for each kind, without ${keyword}`;
      }
    }
    return undefined;
  }

  /** A branch that has one of the keywords, or refers to what may have one. @param follow look at what is referred to */
  #withAny(place: Branch, keywords: readonly string[], follow: boolean): Branch | undefined {
    const has = ({ schema }: Branch): boolean => keywords.some((keyword) => keyword in schema);
    const others = (): boolean => this.all.some((one) => one.schema !== place.schema && has(one));
    for (const { at, branch } of inPlace(place, false)) {
      const refers = REFERENCES.some((keyword) => keyword in at.schema);
      if (branch && (has(at) || (refers && others()))) return at;
      if (branch || !refers || !follow) continue;
      const led = this.all.map((one) => this.#withAny(one, keywords, false)).find((one) => one !== undefined);
      if (led) return led;
    }
    return undefined;
  }
}

/** What is said of the same value as a schema, itself first, and whether for some payloads only. */
function* inPlace(at: Branch, branch: boolean): Generator<{ at: Branch; branch: boolean }> {
  yield { at, branch };
  for (const [keyword, value] of Object.entries(at.schema)) {
    const some = ['anyOf', 'oneOf', 'if', 'then', 'else', 'dependentSchemas'].includes(keyword);
    if (!some && keyword !== 'allOf') continue;
    const direct = keyword === 'if' || keyword === 'then' || keyword === 'else';
    const inner = direct ? [['', value] as const] : Object.entries(value as object);
    for (const [name, schema] of inner as [string, unknown][]) {
      if (typeof schema !== 'object' || schema === null) continue;
      const pointer = direct ? `${at.pointer}/${keyword}` : pointerTo(`${at.pointer}/${keyword}`, name);
      yield* inPlace({ schema: schema as SchemaObject, pointer }, branch || some);
    }
  }
}

function saysNothing(schema: unknown): boolean {
  if (typeof schema === 'object' && schema !== null) return Object.keys(schema).length === 0;
  return schema === undefined || schema === true;
}
