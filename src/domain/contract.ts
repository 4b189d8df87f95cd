/** What a topic's payload must look like: a decoder and rules. */

export interface ContractSettings {
  name: string;
  format: 'json';
  /** Absolute path of a JSON Schema; at most one of `schemaFile` and `class` is set. */
  schemaFile?: string;
  /** A class-validator class: absolute path of a JavaScript module and the export's name. */
  class?: { file: string; export: string };
  /** JSON pointers into the payload, `*` for any one step: what they lead to is never shown. */
  redact?: readonly string[];
  mode: 'enforce' | 'shadow';
}
