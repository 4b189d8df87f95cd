import { Optional } from './field.js';
import { classReference, contractName, filePath, jsonPointer } from './format.js';
import { text, words } from './scalar.js';
import type { MapShape } from './shape.js';
import { list, map } from './shape.js';

/** Each is tried in turn, and a rejection says what each said. */
const MEMBERS_MAX = 20;
const VALUES_MAX = 256;

const member = text({
  max: 63,
  check: (name) => contractName(name)?.message,
  mend: 'Write the name of one of the contracts.',
});

const value: MapShape['checkName'] = (written) =>
  written.length <= 1_024 ? undefined : { message: 'is too long', mend: 'Write up to 1024 characters.' };

export class ContractConfig {
  /** How the payload is decoded. Default json. */
  @Optional(words('json'))
  format = 'json';

  /** JSON Schema file (draft 2020-12, 2019-09 or 7, as its `$schema` says; 2020-12 by default). At most one of `schema` and `class`; neither: any JSON is valid. */
  @Optional(filePath)
  schema?: string;

  /** class-validator class, as `file#Export` of a JavaScript module. */
  @Optional(classReference)
  class?: string;

  /** Instead of a schema or class: 1 to 20 other contracts with the same format, of which exactly one must accept. */
  @Optional(list(member, { min: 1, max: MEMBERS_MAX }))
  oneOf?: string[];

  /** With `oneOf`: JSON pointer to the text, number or flag that says which contract is meant; only that one is asked. */
  @Optional(jsonPointer)
  discriminator?: string;

  /** With `discriminator`: which value means which contract. Default: the value is the contract's name. */
  @Optional(map(member, VALUES_MAX, value))
  mapping?: Map<string, string>;

  /** JSON pointers to values that no rejection shows, up to 100; `*` stands for any one step. Besides members whose name says so (password, token, secret and such). */
  @Optional(list(jsonPointer, { max: 100 }))
  redact: string[] = [];

  /** `enforce`: what fails is rejected and no subscriber sees it; `shadow`: it is counted and told, and delivered. Default enforce. */
  @Optional(words('enforce', 'shadow'))
  mode = 'enforce';
}
