/** What a topic's payload must look like: a decoder and rules. */
import type { Problem, RejectionReason } from './record.js';

/** How payload bytes become a value. `auto`: by the MQTT 5 content type, JSON without one. */
export type ContractFormat = 'json' | 'text' | 'bytes' | 'cbor' | 'msgpack' | 'protobuf' | 'auto';

/** What lies around the format. `auto`: by the user property `content-encoding`, or by how the payload begins. */
export type ContractCompression = 'none' | 'gzip' | 'deflate' | 'auto';

export interface ContractSettings {
  name: string;
  format: ContractFormat;
  /** Default none. */
  compression?: ContractCompression;
  /** For the formats `protobuf` and `auto`. */
  protobuf?: ProtobufSettings;
  /** Those left out have the value of {@link CONTRACT_LIMITS}. */
  limits?: Partial<ContractLimits>;
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
export interface ProtobufSettings {
  /** Absolute path of a `.proto` file, or of a FileDescriptorSet under any other ending. */
  file: string;
  /** Absolute path of the folder that imports are looked up in. */
  root: string;
  /** Full name of the message's type. */
  message: string;
}

/** What a payload may be at most. */
export interface ContractLimits {
  /** Bytes of the payload as it came. */
  maxBytes: number;
  /** Bytes of a compressed payload once it is expanded. */
  maxExpanded: number;
  /** Levels of arrays and objects within each other. Schemas and classes recurse, and the stack is finite. */
  maxDepth: number;
  /** Keys of all its objects together; arrays and objects may be ten times as many, and 1 000 always. */
  maxKeys: number;
  /** Bytes of one text in UTF-8, or of one byte string. */
  maxString: number;
  /** Milliseconds one payload's check may take. */
  budgetMs: number;
}

export const CONTRACT_LIMITS: Readonly<ContractLimits> = {
  maxBytes: Infinity, // the link has a bound: session.maxPacket
  maxExpanded: 4 * 2 ** 20,
  maxDepth: 128,
  maxKeys: 10_000,
  maxString: 2 ** 20,
  budgetMs: 1_000,
};

/** How the thread that checks is. */
export interface ContractThreadHealth {
  /** Threads that were told to end and have not: they are in a call that nothing interrupts. */
  lost: number;
  /** There are too many of these: nothing is checked until one ends, or the process. */
  held: boolean;
  /** Milliseconds until a thread that keeps ending is replaced; 0: nothing is waited for. */
  waitMs: number;
}
