import { Optional } from './field.js';
import { text, whole } from './scalar.js';
import type { MapShape } from './shape.js';
import { list, map, object } from './shape.js';

const PARAMETERS_MAX = 64;
const VALUES_MAX = 1_000;
const VALUE_CHARACTERS_MAX = 1_024;

const value = text({ max: VALUE_CHARACTERS_MAX, mend: 'Write a text in quotes.' });

/** A regular expression as JSON Schema has it. */
const expression = text({
  max: 1_024,
  check: (pattern) => {
    try {
      new RegExp(pattern, 'u');
      return undefined;
    } catch {
      return 'is no regular expression';
    }
  },
  mend: "Write one such as '^[a-z0-9-]+$', in quotes.",
});

/** What one topic parameter must be. At least one of these keys. */
export class ParameterConfig {
  /** Regular expression that the value must match; anchor it with ^ and $. Default: any. */
  @Optional(expression)
  pattern?: string;

  /** Values there are, 1 to 1000. Default: any. */
  @Optional(list(value, { min: 1, max: VALUES_MAX }))
  enum?: string[];

  /** Most characters of the value, 1 to 65535. Default: any. */
  @Optional(whole(1, 65_535))
  maxLength?: number;
}

const known: MapShape['checkName'] = () => undefined; // the filter says which there are

export const parameters = map(object(ParameterConfig), PARAMETERS_MAX, known);
