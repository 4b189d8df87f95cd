/** An attempt is one try to deliver one record (or batch) to one subscriber. Its outcome is a value, never an exception. */
import type { Record } from './record.js';
import type { ParametersOf } from './topic-parameters.js';

export type Outcome = Ending & {
  /** W3C trace context of the attempt. Absent: it was not traced. */
  traceparent?: string;
};

type Ending =
  /** `reply`: what a subscriber that is asked for replies answered to a record that wants one. */
  | { kind: 'delivered'; reply?: Reply }
  /** Trying this record again could help. `opensBreaker`: the whole subscriber is suspect (401, 404, …). */
  | { kind: 'retry'; reason: FailureReason; status: number; detail: string; opensBreaker: boolean }
  /** The subscriber asks for (or needs) a pause; uses up no attempt of the record. */
  | { kind: 'throttled'; reason: FailureReason; status: number; detail: string; retryAfterMs?: number }
  /** Trying again cannot help this record. */
  | { kind: 'dead'; reason: FailureReason; status: number; detail: string }
  /** 410: the subscriber is no longer there; the record stays in its backlog. */
  | { kind: 'gone'; status: number; detail: string };

/** An answer on its way to the record's response topic. */
export interface Reply {
  /** Longer than may be published by at most one byte: whoever publishes it refuses it then. */
  body: Uint8Array;
  /** As the subscriber wrote it. */
  contentType?: string;
}

/** A closed list: it is kept with dead letters and shown in logs. */
export const FAILURE_REASONS = [
  'status', // an HTTP status outside 2xx
  'redirect',
  'answer', // 2xx, and a body that does not say success (`answers: dapr`)
  'dropped', // 2xx, and a body that gives the record up (`answers: dapr`)
  'reply', // its reply could not be kept in the outbox
  'payload', // `payload: json`, and it cannot be decoded
  'timeout',
  'refused', // connection refused
  'network', // reset, broken answer, name not found
  'tls',
  'threw', // an in-process handler threw
  'expired', // older than retry.maxAge
  'forbidden', // registration.allow has no such destination
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export interface AttemptContext {
  /** 1 for the first try. */
  attempt: number;
  replay: boolean;
  /** Names the levels of a record's topic. Absent: none has a name. */
  parametersOf?: ParametersOf;
  /** W3C trace context of this very attempt. Absent: it is not traced, and what the message says of itself is passed on. */
  traceparent?: string;
  /** Aborted when the gateway must stop at once. */
  signal?: AbortSignal;
}

/**
 * The one-method port behind every subscriber. Called by a lane, at most `concurrency` times at once for
 * one subscriber. Must resolve within the subscriber's timeout and must not reject: what went wrong is
 * the outcome. Resolving `delivered` is what lets the record's cursor pass.
 */
export interface Sender {
  send(record: Record, context: AttemptContext): Promise<Outcome>;
  /**
   * As {@link send}, for several records in one request: called instead of it for a subscriber whose settings have
   * `batch`, also with a single one. The outcome is that of all of them.
   */
  sendBatch?(records: readonly Record[], context: AttemptContext): Promise<Outcome>;
  /** Frees sockets. Attempts in flight may still finish. */
  close(): Promise<void>;
}
