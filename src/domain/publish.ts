/** A publish is a message going out to the broker through REST. The outbox is where it waits until the broker has acknowledged it. */
import type { Cause } from './cause.js';
import type { Message, MessageProperties } from './message.js';

export interface Publish {
  /** UUIDv7, what `GET /v1/publishes/{id}` asks for. */
  id: string;
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  /** `messageExpiryInterval` counts from `acceptedAt`; see {@link expiresAt}. */
  properties: MessageProperties | null;
  /** Wall clock, milliseconds since the epoch. */
  acceptedAt: number;
  /** `traceparent` of the request that asked for it; not kept. */
  trace?: string;
  /** Wall clock, milliseconds: it must not be sent from then on, whatever its expiry says. See {@link expiresAt}. */
  sendUntil?: number;
}

/** Wall clock, milliseconds: from when on it must not be sent any more; undefined: it may wait for ever. */
export function expiresAt(publish: Pick<Publish, 'properties' | 'acceptedAt' | 'sendUntil'>): number | undefined {
  const { properties, acceptedAt, sendUntil = Infinity } = publish;
  const at = Math.min(sendUntil, acceptedAt + (properties?.messageExpiryInterval ?? Infinity) * 1_000);
  return at === Infinity ? undefined : at;
}

/** A publish in the outbox. `sequence` orders the relay: starts at 1, only grows. */
export interface OutboxEntry extends Publish {
  sequence: number;
}

/** How a publish ended. */
export interface PublishResult {
  sequence: number;
  id: string;
  /** `expired`: its time ran out before the broker had taken it. */
  outcome: 'published' | 'refused' | 'expired';
  /** MQTT reason code of the PUBACK, 0 for success. */
  reasonCode: number;
  /** Set when refused. */
  cause?: Cause;
}

export type PublishStatus = 'queued' | PublishResult['outcome'];

/** What one publish of a request was answered: its id, and its status once that is fixed; or why it was not taken. */
export type KeptAnswer = { id: string; status?: 'published' | 'queued' } | { problem: { [member: string]: unknown } };

/** An `Idempotency-Key`: unique within its caller. */
export interface PublishKey {
  caller: string;
  key: string;
}

/** What is remembered under a key. */
export interface KeptRequest {
  /** Of all that makes the request what it is. */
  digest: string;
  answers: KeptAnswer[];
}

/** Publishes of one request: all of them are accepted, together with their key, or none. */
export interface Acceptance {
  publishes: Publish[];
  kept?: PublishKey & KeptRequest;
}

/** What publishes may take of the journal. */
export interface OutboxLimits {
  /** Publishes that may wait for the broker at once, and their bytes. */
  recordsMax: number;
  bytesMax: number;
  /** How many results without a key are kept, at most for 24 hours. */
  resultsMax: number;
  /** What remembered keys may take. */
  keyBytesMax: number;
}

/** Where answers to requests come, unless the configuration says otherwise: the last levels are the request's. */
export function responseTopicOf(clientId: string): string {
  return `holdfast/responses/${clientId.replace(/[^\w.~-]/gu, '_')}`;
}

/** A request whose answer comes on a topic of its own, whose last level is `token`. */
export interface ExpectedResponse {
  token: string;
  /** Base64: as it is sent; an answer that has another one is none. */
  correlationData: string;
  waitMs: number;
}

export type RequestResponse = Pick<Message, 'topic' | 'qos' | 'payload' | 'properties'> & { token: string };
