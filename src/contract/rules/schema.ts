import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ErrorObject } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Problem } from '../../domain/record.js';
import { pointerTo, problem } from '../problem.js';
import type { Rules } from './rules.js';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/**
 * Compiles a JSON Schema 2020-12. References stay within the file: nothing is fetched.
 * @throws Error that says what is wrong with the file
 */
export async function loadSchema(file: string): Promise<Rules> {
  const schema = await readSchema(file);
  const ajv = new Ajv2020({
    // Unknown keywords and formats and rules that cannot apply are errors: ignoring one would let bad payloads pass.
    strict: true,
    // Three opinions that refuse schemas which are right by the standard, and catch no hole.
    strictRequired: false,
    strictTuples: false,
    allowUnionTypes: true,
    // Without it `{}` passes `required: ["toString"]`.
    ownProperties: true,
    allErrors: false,
    logger: false,
  });
  formats.default(ajv);
  const validate = ajv.compile(schema);
  if ('$async' in validate) throw new Error('$async schemas are not supported');
  return {
    reason: 'schema',
    check: (value) => (validate(value) === true ? [] : (validate.errors ?? []).map(schemaProblem)),
  };
}

async function readSchema(file: string): Promise<object | boolean> {
  const schema: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (typeof schema === 'boolean') return schema;
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new Error('a JSON Schema is an object or a boolean');
  }
  const dialect = (schema as { $schema?: unknown }).$schema;
  if (dialect !== undefined && dialect !== DIALECT && dialect !== `${DIALECT}#`) {
    throw new Error(`$schema is ${JSON.stringify(dialect)}; only ${DIALECT} is supported`);
  }
  return schema;
}

function schemaProblem(error: ErrorObject): Problem {
  const params = error.params as { additionalProperty?: unknown; unevaluatedProperty?: unknown };
  const extra = params.additionalProperty ?? params.unevaluatedProperty;
  const pointer = typeof extra === 'string' ? pointerTo(error.instancePath, extra) : error.instancePath;
  return problem(pointer, error.keyword, error.message ?? 'does not match the schema');
}
