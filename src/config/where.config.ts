import { attributeProblem } from '../domain/filter.js';
import { Optional } from './field.js';
import type { MapShape, ScalarShape } from './shape.js';
import { list, map, object } from './shape.js';

const VALUE_CHARACTERS_MAX = 1_024;
const ATTRIBUTES_MAX = 32;
const PARTS_MAX = 32;

/** What an attribute is compared with: text, a number or a flag. */
const operand: ScalarShape = {
  kind: 'scalar',
  reads: 'source',
  schema: { type: ['string', 'number', 'boolean'], maxLength: VALUE_CHARACTERS_MAX },
  check: (value) => {
    if (typeof value === 'boolean' || (typeof value === 'string' && value.length <= VALUE_CHARACTERS_MAX))
      return undefined;
    const message = `must be text of up to ${VALUE_CHARACTERS_MAX} characters, a number, true or false`;
    return { message, mend: 'Write one value, in quotes when it is text.' };
  },
};

const attribute: MapShape['checkName'] = (name) => {
  const problem = attributeProblem(name);
  if (problem === undefined) return undefined;
  return {
    message: problem,
    mend: 'Write topic, parameter:NAME, user:NAME for a user property, or a JSON pointer such as /state.',
  };
};

const comparison = map(operand, ATTRIBUTES_MAX, attribute);

/** A content filter. One of these keys; several attributes in one comparison must all match. */
export class WhereConfig {
  /** Attributes (`topic`, `parameter:NAME`, `user:NAME`, a JSON pointer into the payload) that are equal to these values. */
  @Optional(comparison)
  exact?: Map<string, string | boolean>;

  /** Attributes that are text and begin with these. */
  @Optional(comparison)
  prefix?: Map<string, string | boolean>;

  /** Attributes that are text and end with these. */
  @Optional(comparison)
  suffix?: Map<string, string | boolean>;

  /** Filters that must all select the record, up to 32. */
  @Optional(list(object(WhereConfig), { min: 1, max: PARTS_MAX }))
  all?: WhereConfig[];

  /** Filters of which one must select the record, up to 32. */
  @Optional(list(object(WhereConfig), { min: 1, max: PARTS_MAX }))
  any?: WhereConfig[];

  /** A filter that must not select the record. */
  @Optional(object(WhereConfig))
  not?: WhereConfig;
}
