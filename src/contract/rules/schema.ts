import type { ErrorObject, Options, ValidateFunction } from 'ajv';
import { FileMemory } from '../file-memory.js';
import { PROBLEMS_MAX, pointerTo } from '../problem.js';
import { addFormats, resolver, type Dialect } from './dialect.js';
import type { Fault, Rules } from './rules.js';
import { expectedBy } from './schema-expected.js';
import { SchemaFiles, type SchemaDocument } from './schema-files.js';
import { checkDocuments, plainly } from './schema-flaws.js';

/**
 * Values with at most so many members and items are looked at for all that is wrong with them. Of a larger one the
 * first fault is told: faults would be as many as its items, and ajv's time for them the square of that.
 */
const NODES_MAX = 1_000;

export interface SchemaOptions {
  /** Unknown keywords and formats and rules that cannot apply are errors: ignoring one would let bad payloads pass. Default true. */
  strict?: boolean;
  /** `format` is a rule, not a remark. Default true. */
  formats?: boolean;
}

const NO_FAULTS: Fault[] = [];

/**
 * Compiles a JSON Schema of the draft that its `$schema` names (2020-12 by default) with the files it refers to.
 * References stay within the file's folder: nothing is fetched.
 * @throws Error that says what is wrong with which file, and where
 */
export async function loadSchema(file: string, options: SchemaOptions = {}, memory = new FileMemory()): Promise<Rules> {
  const files = new SchemaFiles(
    file,
    (dialect) => {
      const ajv = dialect.make({ logger: false });
      return { resolve: resolver(ajv), known: (uri) => uri in ajv.refs || uri in ajv.schemas };
    },
    memory,
  );
  const dialect = await files.read();
  const validate = compile(dialect, files.documents, options, false);
  const validateAll = compile(dialect, files.documents, options, true);
  return {
    reason: 'schema',
    check: (value) => {
      if (validate(value)) return NO_FAULTS;
      const all = fewNodes(value) && !validateAll(value);
      return ((all ? validateAll.errors : validate.errors) ?? []).slice(0, PROBLEMS_MAX).map(faultOf);
    },
  };
}

function compile(
  dialect: Dialect,
  documents: readonly SchemaDocument[],
  { strict = true, formats = true }: SchemaOptions,
  allErrors: boolean,
): ValidateFunction {
  const options: Options = {
    strict,
    // Three opinions that refuse schemas which are right by the standard, and catch no hole.
    strictRequired: false,
    strictTuples: false,
    allowUnionTypes: true,
    ownProperties: documents.some(namesInherited),
    // What is looked up is an object that knows `toString`, so that `unevaluatedProperties: false` would let it pass.
    code: { process: (source) => source.replace(/!(props\d+)\[(key\d+)\]/g, '!Object.hasOwn($1, $2)') },
    allErrors,
    validateFormats: formats,
    validateSchema: false, // It has been.
    logger: false,
  };
  const ajv = dialect.make(options);
  addFormats(ajv);
  const [root] = documents as [SchemaDocument];
  try {
    if (!allErrors) checkDocuments(documents, dialect, ajv, strict);
    for (const document of documents) {
      for (const uri of [document.uri, ...document.aliases]) ajv.addSchema(document.schema, uri);
    }
    return ajv.getSchema(root.uri)!;
  } catch (error) {
    throw plainly(error as Error, documents, root, ajv);
  }
}

const INHERITED = Object.getOwnPropertyNames(Object.prototype).map((name) => JSON.stringify(name));

/**
 * Whether a schema has the name of a property that every object inherits: without `ownProperties`, `{}` would pass
 * `required: ["toString"]`. Where it has none the option changes nothing but the time, which it triples.
 */
function namesInherited({ schema }: SchemaDocument): boolean {
  const text = JSON.stringify(schema);
  return INHERITED.some((name) => text.includes(name));
}

function faultOf(error: ErrorObject): Fault {
  const params = error.params as {
    additionalProperty?: unknown;
    unevaluatedProperty?: unknown;
    propertyName?: unknown;
  };
  const named = params.additionalProperty ?? params.unevaluatedProperty ?? params.propertyName ?? error.propertyName;
  const pointer = typeof named === 'string' ? pointerTo(error.instancePath, named) : error.instancePath;
  return {
    pointer,
    rule: error.keyword,
    message: error.message ?? 'does not match the schema',
    expected: expectedBy(error),
  };
}

/** Whether a value has at most {@link NODES_MAX} members and items, at any depth. */
function fewNodes(value: unknown): boolean {
  let left = NODES_MAX;
  const few = (one: unknown): boolean => {
    if (typeof one !== 'object' || one === null) return true;
    const inner = Array.isArray(one) ? (one as unknown[]) : Object.values(one);
    left -= inner.length;
    return left >= 0 && inner.every(few);
  };
  return few(value);
}
