import { Ajv } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Draft } from './dialect.js';
import type { JsonObject } from './json.js';

const CLASSES = { 'draft-07': Ajv, '2019-09': Ajv2019, '2020-12': Ajv2020 } as const;

/** What of a value does not fit a schema, in words; undefined when all does. */
export type Misfit = (value: unknown) => string | undefined;

/** A schema, or why the gateway would refuse it. As strict as a contract is compiled. */
export function compiled(schema: JsonObject | boolean, draft: Draft): { misfit: Misfit } | { problem: string } {
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
    const validate = ajv.compile(schema);
    return { misfit: (value) => (validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: '' })) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
