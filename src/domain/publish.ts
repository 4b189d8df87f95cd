/** A publish is a message going out to the broker through REST. The outbox is where it waits until the broker has acknowledged it. */
import type { Cause } from './cause.js';
import type { MessageProperties } from './message.js';

export interface Publish {
  /** UUIDv7, what `GET /v1/publishes/{id}` asks for. */
  id: string;
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  properties: MessageProperties | null;
  /** Wall clock, milliseconds since the epoch. */
  acceptedAt: number;
}

/** A publish in the outbox. `sequence` orders the relay: starts at 1, only grows. */
export interface OutboxEntry extends Publish {
  sequence: number;
}

/** How a publish ended. */
export interface PublishResult {
  sequence: number;
  id: string;
  outcome: 'published' | 'refused';
  /** MQTT reason code of the PUBACK, 0 for success. */
  reasonCode: number;
  /** Set when refused. */
  cause?: Cause;
}

export type PublishStatus = 'queued' | 'published' | 'refused';
