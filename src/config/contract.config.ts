import { Optional } from './field.js';
import { classReference, filePath } from './format.js';
import { words } from './scalar.js';

export class ContractConfig {
  /** How the payload is decoded. Default json. */
  @Optional(words('json'))
  format = 'json';

  /** JSON Schema file (draft 2020-12). At most one of `schema` and `class`; neither: any JSON is valid. */
  @Optional(filePath)
  schema?: string;

  /** class-validator class, as `file#Export` of a JavaScript module. */
  @Optional(classReference)
  class?: string;

  /** `enforce`: what fails is rejected and no subscriber sees it. Default enforce. */
  @Optional(words('enforce'))
  mode = 'enforce';
}
