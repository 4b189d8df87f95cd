/** What is known of a connection that ended, and what can be read from it without weighing it. Pure. */
import type { Cause, Diagnosis } from '../domain/cause.js';
import type { CloseEvidence } from './connection.js';

/** What was asked of the broker and not answered when the connection ended. */
export interface Outstanding {
  kind: 'subscribe' | 'publish';
  /** The filter or topic. */
  name: string;
  /** Of the packet, about. */
  bytes: number;
  /** Of a publish: which one it is, whatever its topic. */
  sequence?: number;
  /** The broker has granted this filter before: it is asked for anew. */
  granted?: boolean;
}

/** A publish that the broker answered with a no, moments before the connection ended. */
export interface RefusedPublish {
  topic: string;
  /** Of the PUBACK, 0x80 or above. */
  reasonCode: number;
}

/** What the first attempt after a drop met; `there`: TCP connections that sent nothing were taken and kept. */
export type Afterwards =
  | { kind: 'there' }
  | { kind: 'accepted'; sessionPresent: boolean }
  | { kind: 'refused'; cause: Cause; confidence: Diagnosis['confidence']; /** Not by a reset. */ orderly: boolean };

/** One connection that was up and ended, as far as later ones want to know. */
export interface Life {
  /** The broker closed it without a word, nothing was outstanding, and nothing had just been refused. */
  bare: boolean;
  /** An orderly close, not a reset. */
  orderly: boolean;
  sessionPresent: boolean;
  upMs: number;
  cause: Cause;
  /** It was taken for a takeover at once, so that we held off after it. */
  heldOff?: boolean;
  /** A connect found nobody between it and the one after it. */
  unreached: boolean;
  /** A connect between it and the one after it was closed without a word: by NATS for coming back too soon, or by a proxy. */
  turnedAway?: boolean;
  /** The oldest operation that was not answered when it ended. */
  unanswered?: Outstanding | undefined;
  /** The broker was there for the very next connect: none that restarts is so quick every time. */
  cameBack?: boolean;
}

/** All that is known of one connection that ended, or of one that never came up. */
export interface Evidence extends CloseEvidence {
  protocolVersion: 4 | 5;
  keepaliveMs: number;
  sessionPresent: boolean;
  /** How long it was up. */
  upMs: number;
  /** How late the link's own thread was, at worst, in its last half minute. */
  threadDelayMs: number;
  /** Connects in a row before it that were closed without a word, at a broker that has not taken this version yet. */
  silentRefusals?: number;
  /** Oldest first. */
  outstanding: Outstanding[];
  /** Some brokers refuse a publish and hang up then. */
  refused?: RefusedPublish | undefined;
  /** The connections before it that were up, newest first. */
  history: Life[];
  /** Absent: not known yet. */
  afterwards?: Afterwards;
}

/** What one of the judges finds; the classifier completes it to a {@link Diagnosis}. */
export interface Judgement {
  cause: Cause;
  confidence: Diagnosis['confidence'];
  evidence: string[];
  /** More to the point than that of the cause. */
  mend?: string;
  /** The texts of the errors say it worse than the evidence does, and are left out. */
  inWords?: boolean;
}

export function found(cause: Cause, confidence: Diagnosis['confidence'], ...evidence: string[]): Judgement {
  return { cause, confidence, evidence };
}

const UNREACHED = new Set<Cause>(['broker-unreachable', 'server-busy']);
/** A reason for a close that can mean nothing else. */
const TAKEN_OVER = /duplicate client.?id|session taken over/i;
/** What a broker does that closes while something is still on its way to it. */
const RESET_CODES = new Set(['ECONNRESET', 'EPIPE']);

/** The other end, or the line, ended it, and nobody said why. */
export function isWordless(evidence: Pick<CloseEvidence, 'code' | 'ended' | 'webSocket'>): boolean {
  return evidence.code === 0 && evidence.ended === undefined && !isToldTakeover(evidence);
}

/** NATS says so in the close frame of a WebSocket: `Duplicate Client ID`. */
export function isToldTakeover({ webSocket }: Pick<CloseEvidence, 'webSocket'>): boolean {
  return TAKEN_OVER.test(webSocket?.closeReason ?? '');
}

/** The broker closed it without a word, and there was nothing that it might not want. */
export function isBare(evidence: Evidence): boolean {
  const { wasUp, outstanding, refused } = evidence;
  return wasUp && isWordless(evidence) && refused === undefined && outstanding.every(({ granted }) => granted);
}

/** The broker ended it as TCP, or a WebSocket, is ended, rather than with a reset or a loss. */
export function isOrderly({ systemCode, webSocket }: CloseEvidence): boolean {
  if (systemCode !== undefined) return false;
  return webSocket === undefined || webSocket.closeCode !== undefined || webSocket.finished === true;
}

/** Closed, in order or not, in answer to CONNECT. */
export function isSilentRefusal({ wasUp, code, systemCode, errors, securing = false }: CloseEvidence): boolean {
  if (wasUp || code !== 0 || securing) return false;
  return systemCode === undefined ? errors.length === 0 : RESET_CODES.has(systemCode);
}

/** The broker did not say itself that somebody has taken the session over. */
export function isTakeoverGuessed(cause: Cause, evidence: Pick<CloseEvidence, 'code' | 'webSocket'>): boolean {
  return cause === 'client-id-conflict' && evidence.code === 0 && !isToldTakeover(evidence);
}

/**
 * Whether the next connect met a broker. NATS, for one, closes a client that comes back too soon after a takeover, in
 * order; a load balancer with nobody behind it resets.
 */
export function isThere(afterwards: Afterwards): boolean {
  if (afterwards.kind !== 'refused') return true;
  return afterwards.confidence === 'guess' && afterwards.orderly;
}

/** Whether the next connect, or a knock, found that the broker has gone away. */
export function isGone(afterwards: Afterwards | undefined): boolean {
  return afterwards?.kind === 'refused' && isUnreached(afterwards.cause) && !isThere(afterwards);
}

export function isUnreached(cause: Cause): boolean {
  return UNREACHED.has(cause);
}

export function described({ kind, name, bytes }: Outstanding): string {
  return `${kind === 'subscribe' ? 'SUBSCRIBE' : 'PUBLISH'} ${name} (${bytes} bytes)`;
}
