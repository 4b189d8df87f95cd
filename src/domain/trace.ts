/**
 * W3C trace context. The trace of a record is its own id, and so is the id of the span in which it was received: every
 * thread, retry, replay and restart knows both, and nothing has to be kept.
 */

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const TRACESTATE = /^[!-~](?:[ -~]{0,510}[!-~])?$/;
const SAMPLED = 1;
/** The last 14 digits of a UUIDv7 are random. */
const RANDOM_MAX = 16 ** 14;

export interface SpanRef {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  sampled: boolean;
}

/** A record is on disk. Times here and below: wall clock, milliseconds since the epoch. */
export interface ReceivedMark {
  id: string;
  topic: string;
  receivedAt: number;
  /** When its writing began. */
  begun: number;
  committed: number;
  /** The publisher's `traceparent`. */
  parent?: string;
}

/** A record was checked. */
export interface CheckedMark {
  id: string;
  contract: string;
  begun: number;
  ended: number;
  /** Why it failed. */
  reason?: string;
}

/** A publish went to the broker and was answered. */
export interface SentMark {
  id: string;
  /** As it was sent. */
  parent: string;
  sentAt: number;
  answeredAt: number;
  outcome: string;
  reasonCode: number;
}

/** Undefined: it is none. */
export function spanRefOf(traceparent: string): SpanRef | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined) return undefined;
  return { traceId, spanId: spanId!, sampled: (parseInt(flags!, 16) & SAMPLED) !== 0 };
}

export function traceparentOf({ traceId, spanId, sampled }: SpanRef): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** The span in which a record was received, or a publish accepted. @param id UUIDv7 */
export function originOf(id: string): SpanRef {
  const traceId = id.replaceAll('-', '');
  return { traceId, spanId: traceId.slice(16), sampled: true };
}

/** The id of the span in which a publish is sent: it is on its way before that begins. @param id UUIDv7 of the publish */
export function sendSpanIdOf(id: string): string {
  return id.replaceAll('-', '').slice(0, 16);
}

/** The same answer in every thread and run. @param share 0 to 1 */
export function isSampled(id: string, share: number): boolean {
  if (share >= 1) return true;
  return parseInt(id.slice(21, 23) + id.slice(24), 16) < share * RANDOM_MAX; // asked of every record, in each thread
}

/** A W3C trace context that the publisher put into its user properties; a malformed one is not passed on. */
export function traceOf(
  userProperties: readonly (readonly [string, string])[],
): { parent: string; state: string | undefined } | undefined {
  let parent: string | undefined;
  let state: string | undefined;
  for (const [name, value] of userProperties) {
    if (name === 'traceparent') parent ??= value;
    else if (name === 'tracestate') state ??= value;
  }
  if (parent === undefined || !isPlain(parent)) return undefined;
  return { parent, state: state !== undefined && TRACESTATE.test(state) ? state : undefined };
}

/** Of the one version there is: nobody knows what else another one says. */
function isPlain(traceparent: string): boolean {
  return traceparent.length === 55 && TRACEPARENT.test(traceparent);
}
