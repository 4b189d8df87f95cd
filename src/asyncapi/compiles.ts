import { Ajv } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Draft } from './dialect.js';
import type { JsonObject } from './json.js';

const CLASSES = { 'draft-07': Ajv, '2019-09': Ajv2019, '2020-12': Ajv2020 } as const;

/** Why the gateway would refuse this schema; undefined when it would not. As strict as a contract is compiled. */
export function compileProblem(schema: JsonObject | boolean, draft: Draft): string | undefined {
  const ajv = new CLASSES[draft]({
    strict: true,
    strictRequired: false,
    strictTuples: false,
    allowUnionTypes: true,
    ownProperties: true,
    logger: false,
  });
  formats.default(ajv);
  try {
    ajv.compile(schema);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
