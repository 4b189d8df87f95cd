/** What is wrong with a schema itself: the file, the place in it, and a mend. */
import leven from 'leven';
import { ContractFlaw } from '../problem.js';
import { blindSpots, type BlindSpot } from './blind-spots.js';
import { metaValidator, resolver, type Dialect, type Validator } from './dialect.js';
import { schemaFlaw, type SchemaDocument } from './schema-files.js';
import { places } from './schema-walk.js';

/** What ajv would refuse without saying where, or would compile and then let pass. */
export function checkDocuments(
  documents: readonly SchemaDocument[],
  dialect: Dialect,
  ajv: Validator,
  strict: boolean,
): void {
  const spots = blindSpots(documents, dialect, resolver(ajv));
  for (const document of documents) checkDocument(document, dialect, ajv, strict ? spots : undefined);
}

/** @param blindSpot undefined: not strictly */
function checkDocument(
  { name, uri, schema }: SchemaDocument,
  dialect: Dialect,
  ajv: Validator,
  blindSpot: BlindSpot | undefined,
): void {
  const meta = metaValidator(dialect);
  if (meta.validate(dialect.uri, schema) !== true) {
    const told = (meta.errors ?? []).map((error) => `${error.instancePath}: ${error.message}`);
    throw schemaFlaw(name, '', `is no schema of its draft: ${[...new Set(told)].slice(0, 3).join('; ')}`);
  }
  for (const place of places(schema, uri, resolver(ajv))) {
    const { schema: one, pointer } = place;
    if (one['$async'] !== undefined) {
      throw schemaFlaw(name, pointer, '$async schemas are not supported; take $async out');
    }
    const patterns = [one['pattern'], ...Object.keys((one['patternProperties'] as object | undefined) ?? {})];
    for (const pattern of patterns) {
      const wrong = typeof pattern === 'string' ? patternProblem(pattern) : undefined;
      if (wrong !== undefined) throw schemaFlaw(name, pointer, `${wrong}; mend the pattern`);
    }
    if (!blindSpot) continue;
    const blind = blindSpot(place);
    if (blind !== undefined) throw schemaFlaw(name, pointer, blind);
    for (const keyword of Object.keys(one)) {
      if (Object.hasOwn(ajv.RULES.keywords, keyword)) continue;
      const mend = nearest(keyword, Object.keys(ajv.RULES.keywords));
      throw schemaFlaw(name, pointer, `unknown keyword ${JSON.stringify(keyword)}; ${mend}`);
    }
    const format = one['format'];
    if (typeof format !== 'string' || format in ajv.formats) continue;
    const mend = nearest(format, Object.keys(ajv.formats));
    throw schemaFlaw(name, `${pointer}/format`, `unknown format ${JSON.stringify(format)}; ${mend}`);
  }
}

/** As ajv compiles it: with the flag u. */
function patternProblem(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function nearest(word: string, known: readonly string[]): string {
  const [best] = known
    .map((candidate) => ({ candidate, distance: leven(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  if (best && best.distance <= Math.min(2, word.length / 2)) return `did you mean ${JSON.stringify(best.candidate)}?`;
  return 'take it out';
}

/** ajv's own words, with names of files instead of URIs, and the place of a reference that leads nowhere. */
export function plainly(
  error: Error,
  documents: readonly SchemaDocument[],
  root: SchemaDocument,
  ajv: Validator,
): Error {
  if (error instanceof ContractFlaw) return error;
  const missing = (error as { missingRef?: unknown }).missingRef;
  if (typeof missing === 'string') {
    const resolve = resolver(ajv);
    for (const { name, uri, schema } of documents) {
      for (const { schema: one, pointer, base } of places(schema, uri, resolve)) {
        const reference = one['$ref'] ?? one['$dynamicRef'] ?? one['$recursiveRef'];
        if (typeof reference !== 'string' || resolve(base, reference) !== missing) continue;
        return schemaFlaw(name, pointer, `refers to ${JSON.stringify(reference)}, where there is no schema; mend it`);
      }
    }
  }
  if (error instanceof RangeError) {
    const mend = 'give the schema with an $id within it a file of its own';
    return schemaFlaw(root.name, '', `has references that lead in a circle without end; ${mend}`);
  }
  let message = error.message.replace(/^strict mode: /, '');
  for (const { name, uri } of documents) message = message.replaceAll(uri, name);
  const [, type] = /^missing type "?([\w,]+)"? for keyword/.exec(message) ?? [];
  return schemaFlaw(root.name, '', type === undefined ? message : `${message}; add "type": "${type}" there`);
}
