import { runInNewContext } from 'node:vm';
import { Ajv } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Draft } from './dialect.js';
import type { JsonObject } from './json.js';

/** As long as a contract may take for one payload. */
const CHECK_MS_MAX = 1_000;
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
    return {
      misfit: (value) => {
        const valid = limited(() => validate(value));
        if (valid === undefined) return `it takes more than ${CHECK_MS_MAX} ms to tell`;
        return valid ? undefined : ajv.errorsText(validate.errors, { dataVar: '' });
      },
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Patterns of strangers may backtrack without end, and what runs in a context can be stopped: then it is undefined. */
function limited(run: () => boolean): boolean | undefined {
  try {
    return runInNewContext('run()', { run }, { timeout: CHECK_MS_MAX }) as boolean;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
}
