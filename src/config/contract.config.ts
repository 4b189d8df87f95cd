import { Optional } from './field.js';
import { classReference, filePath, jsonPointer } from './format.js';
import { words } from './scalar.js';
import { list } from './shape.js';

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

  /** JSON pointers to values that no rejection shows, up to 100; `*` stands for any one step. Besides members whose name says so (password, token, secret and such). */
  @Optional(list(jsonPointer, { max: 100 }))
  redact: string[] = [];

  /** `enforce`: what fails is rejected and no subscriber sees it. Default enforce. */
  @Optional(words('enforce'))
  mode = 'enforce';
}
