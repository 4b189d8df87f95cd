import type { MessageProperties, QoS } from './message.js';

/** A record is a message in the journal, with its position and its id. */
export interface Record {
  /** Place in the journal: starts at 1, only grows, never reused. */
  position: number;
  /** UUIDv7, the same in every attempt, retry and replay. */
  id: string;
  topic: string;
  qos: QoS;
  retain: boolean;
  /** Wall clock, milliseconds since the epoch. */
  receivedAt: number;
  /** The payload bytes exactly as received. */
  payload: Uint8Array;
  properties: MessageProperties | null;
}

/** Why a record failed its contract. A closed list: it is a metric label. */
export const REJECTION_REASONS = [
  'encoding', // not valid UTF-8
  'syntax', // not JSON
  'too-deep',
  'schema', // a JSON Schema rule failed
  'class', // a class-validator rule failed
  'one-of', // none or several of the contracts that are joined accept it, or it does not say which is meant
  'parameter', // a level of the topic that has a name breaks its rules
  'threw', // the contract's own code threw
  'timeout', // the contract's own code overran its budget
  'crashed', // the contract's own code ended its thread
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** What is wrong with a rejected record, for a person to read. */
export interface Problem {
  /** JSON pointer into the payload; empty for the whole of it. */
  pointer: string;
  /** The rule that failed, such as `required` or `isNumber`. */
  rule: string;
  message: string;
  /** What the rule wants, such as `number` or `<= 100`; absent where the message says it all. */
  expected?: string;
  /** The value the pointer leads to, as clipped JSON without its secrets; absent where there is none. */
  sample?: string;
}

export interface Rejection {
  position: number;
  contract: string;
  reason: RejectionReason;
  problems: Problem[];
}
