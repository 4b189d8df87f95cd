/** The drafts of JSON Schema that are understood. */
import { Ajv } from 'ajv';
import type { Options } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type Core from 'ajv/dist/core.js';
import type { Resolve } from './schema-walk.js';

export type Validator = Core.default;

export interface Dialect {
  /** The `$schema` that names it. */
  uri: string;
  make(options: Options): Validator;
}

const DRAFT_2020: Dialect = {
  uri: 'https://json-schema.org/draft/2020-12/schema',
  make: (options) => new Ajv2020(options),
};
const DIALECTS: readonly Dialect[] = [
  DRAFT_2020,
  { uri: 'https://json-schema.org/draft/2019-09/schema', make: (options) => new Ajv2019(options) },
  { uri: 'http://json-schema.org/draft-07/schema', make: (options) => new Ajv(options) },
];

/** The dialect that `$schema` names; 2020-12 where it names none. @throws Error when it is none of those understood */
export function dialectOf(named: unknown, otherwise = DRAFT_2020): Dialect {
  if (named === undefined) return otherwise;
  const found = DIALECTS.find(({ uri }) => named === uri || named === `${uri}#`);
  if (found) return found;
  const known = DIALECTS.map(({ uri }) => uri).join(', ');
  throw new Error(`$schema is ${JSON.stringify(named)}; understood are ${known}`);
}

/** Longer texts are no `url`: its expression takes the square of the length, some 20 ms for this one. */
const URL_CHARACTERS_MAX = 4_096;

/**
 * Formats are the full ones, not `mode: fast`, which takes the 39th of a month for a date and is hardly faster. All but
 * `url` take a time that grows as the text does.
 */
export function addFormats(ajv: Validator): void {
  formats.default(ajv);
  const url = ajv.formats['url'] as RegExp;
  ajv.addFormat('url', (text) => text.length <= URL_CHARACTERS_MAX && url.test(text));
}

const metaValidators = new Map<Dialect, Validator>();

/** Checks schemas by the dialect's own schema; made once, because that is dear to compile. */
export function metaValidator(dialect: Dialect): Validator {
  let made = metaValidators.get(dialect);
  if (!made) {
    made = dialect.make({ strict: false, allErrors: true, logger: false });
    metaValidators.set(dialect, made);
  }
  return made;
}

/** How ajv itself makes references absolute. */
export function resolver(ajv: Validator): Resolve {
  return (base, reference) => ajv.opts.uriResolver.resolve(base, reference);
}
