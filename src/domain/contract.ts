/** What a topic's payload must look like: a decoder and rules. */
import type { Problem, RejectionReason } from './record.js';

export interface ContractSettings {
  name: string;
  format: 'json';
  /** Absolute path of a JSON Schema; at most one of `schemaFile` and `class` is set. */
  schemaFile?: string;
  /** A class-validator class: absolute path of a JavaScript module and the export's name. */
  class?: { file: string; export: string };
  /** JSON pointers into the payload, `*` for any one step: what they lead to is never shown. */
  redact?: readonly string[];
  /** Instead of a schema or class: other contracts, of which one must accept the value that this one decodes. */
  oneOf?: OneOfSettings;
  /** `shadow`: what fails is counted and told, and goes its way all the same. */
  mode: 'enforce' | 'shadow';
}

export interface OneOfSettings {
  /** Names of the members; none of them has members itself. */
  contracts: string[];
  /** Says which member is meant. Absent: exactly one must accept. */
  discriminator?: {
    /** JSON pointer to a text, number or flag. */
    pointer: string;
    /** Which member a value means. */
    mapping: ReadonlyMap<string, string>;
  };
}

/** How many payloads failed a contract. In mode `shadow` they went their way nonetheless. */
export interface FailureCount {
  contract: string;
  mode: ContractSettings['mode'];
  reason: RejectionReason;
  count: number;
}

export type Verdict =
  { valid: true } | { valid: false; contract: string; reason: RejectionReason; problems: Problem[] };
