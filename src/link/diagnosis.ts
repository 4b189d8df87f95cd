import { MEND, type Cause, type Diagnosis } from '../domain/cause.js';
import { causeOfCode } from './causes.js';
import type { CloseEvidence } from './connection.js';

/** What was asked of the broker and not answered when the connection ended. */
export interface Outstanding {
  kind: 'subscribe' | 'publish';
  /** The filter or topic. */
  name: string;
  /** Of the packet, about. */
  bytes: number;
  /** The broker has granted this filter before: it is asked for anew. */
  granted?: boolean;
}

/** What the first attempt after a drop met; `there`: TCP connections that sent nothing were taken and kept. */
export type Afterwards =
  | { kind: 'there' }
  | { kind: 'accepted'; sessionPresent: boolean }
  | { kind: 'refused'; cause: Cause; confidence: Diagnosis['confidence']; /** Not by a reset. */ orderly: boolean };

/** One connection that was up and ended, as far as later ones want to know. */
export interface Life {
  /** The broker closed it without a word, and nothing was outstanding. */
  bare: boolean;
  /** An orderly close, not a reset. */
  orderly: boolean;
  sessionPresent: boolean;
  upMs: number;
  cause: Cause;
  /** A connect found nobody between it and the one after it. */
  unreached: boolean;
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
  /** The connections before it that were up, newest first. */
  history: Life[];
  /** Absent: not known yet. */
  afterwards?: Afterwards;
}

type Judgement = [cause: Cause, confidence: Diagnosis['confidence'], ...evidence: string[]];

/** Takeovers in a row before another user of the client id is suspected where the broker does not say so. */
const BARE_CLOSES_MAX = 3;
/** So many of them must have been in order. */
const ORDERLY_MIN = 2;
/** A connection that held this long was not taken over by somebody who waits to take it back. */
const CONTESTED_MS_MAX = 150_000;
/** Nor was one that we took back ourselves and that held this long: who holds off does so for a minute at most. */
const TAKEN_BACK_MS_MAX = 75_000;
/** So many lives of random lengths, after a hold-off each, are hardly ever as long as one another. */
const SAME_LENGTHS_MIN = 4;
/** Lives whose lengths differ by less are ended by a clock: a load balancer, and no rival. */
const SAME_LENGTH_SHARE = 0.05;
const RESET_BLAME = 0.5;
const LARGE_BYTES = 16 * 1024;

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
const UNREACHABLE_CODES = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EHOSTDOWN']);
const TLS_CODE = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/;
/** What a broker does that closes while something is still on its way to it. */
const RESET_CODES = new Set(['ECONNRESET', 'EPIPE']);
const UNREACHED = new Set<Cause>(['broker-unreachable', 'server-busy']);
const UNSPECIFIED = new Set([0, 0x80, 0x83]);

/** Why a connection ended or never came up. Pure: evidence in, diagnosis out. */
export function diagnose(evidence: Evidence): Diagnosis {
  const [cause, confidence, ...more] = judge(evidence);
  const seen = [...more, ...evidence.errors];
  const { closeCode, closeReason = '' } = evidence.webSocket ?? {};
  if (closeCode !== undefined) seen.push(`WebSocket closed with code ${closeCode} ${closeReason}`.trimEnd());
  if (evidence.code !== 0) seen.unshift(`${evidence.where} reason code 0x${evidence.code.toString(16)}`);
  return { cause, confidence, evidence: seen.length > 0 ? seen : [bareText(evidence)], mend: MEND[cause] };
}

/** Whether the next attempt may say more of it than is known now. */
export function isOpen(evidence: Evidence): boolean {
  if (!evidence.wasUp || evidence.afterwards !== undefined) return false;
  const [cause, confidence] = judge(evidence);
  return confidence === 'guess' || isTakeoverGuessed(cause, evidence);
}

/** The broker did not say itself that somebody has taken the session over. */
export function isTakeoverGuessed(cause: Cause, { code }: Pick<CloseEvidence, 'code'>): boolean {
  return cause === 'client-id-conflict' && code === 0;
}

/** The broker closed it without a word, and nothing was outstanding that it might not want. */
export function isBare({ wasUp, code, ended, outstanding }: Evidence): boolean {
  return wasUp && code === 0 && ended === undefined && outstanding.every(({ granted }) => granted);
}

/** The broker ended it as TCP, or a WebSocket, is ended, rather than with a reset or a loss. */
export function isOrderly({ systemCode, webSocket }: CloseEvidence): boolean {
  return systemCode === undefined && (webSocket === undefined || webSocket.closeCode !== undefined);
}

/**
 * How much an end tells against the one operation that was on the way, in hang-ups. A line that breaks is mostly the
 * line's doing, and a broker that is restarted behind a proxy looks like one; but some brokers refuse with a reset.
 */
export function blameOf(evidence: CloseEvidence): number {
  if (evidence.ended !== undefined) return 0;
  return evidence.code !== 0 || isOrderly(evidence) ? 1 : RESET_BLAME;
}

function judge(evidence: Evidence): Judgement {
  const { code, ended } = evidence;
  if (ended === 'stop') return ['requested', 'certain', 'the gateway was stopped'];
  if (ended === 'keepalive') return stalled(evidence) ?? ['keepalive-timeout', 'certain', 'pings were not answered'];
  if (code !== 0) return spoken(evidence);
  return evidence.wasUp ? dropped(evidence) : unreached(evidence);
}

/** The broker gave a code. */
function spoken(evidence: Evidence): Judgement {
  const { code, where, outstanding, protocolVersion } = evidence;
  const cause = causeOfCode(code);
  if (cause === 'keepalive-timeout') {
    return stalled(evidence) ?? [cause, 'certain', 'the broker says that it heard nothing in time'];
  }
  if (where === 'connack') {
    // 3.1.1 has one code for many reasons, and brokers use 5 for a wrong password.
    return [cause, protocolVersion === 4 && code === 5 ? 'likely' : 'certain', 'the broker refused the connection'];
  }
  const [operation] = outstanding;
  if (operation && (cause === 'not-authorized' || UNSPECIFIED.has(code))) {
    const denied = operation.kind === 'subscribe' ? 'subscribe-denied' : 'publish-denied';
    return [denied, 'likely', `not answered: ${described(operation)}`];
  }
  return [cause, UNSPECIFIED.has(code) ? 'guess' : 'certain'];
}

/** It never came up, and the broker gave no code. */
function unreached(evidence: Evidence): Judgement {
  const { systemCode = '', errors, webSocket, securing = false } = evidence;
  if (DNS_CODES.has(systemCode)) return ['dns', 'certain'];
  if (TLS_CODE.test(systemCode)) return ['tls', 'certain'];
  if (UNREACHABLE_CODES.has(systemCode)) return ['broker-unreachable', 'certain'];
  if (evidence.tlsAlert === true) return ['tls', 'certain', 'a TLS alert came back: this port wants mqtts://'];
  if (securing) return ['tls', 'likely', 'the TLS handshake began and did not end: what answers may not speak TLS'];
  if (errors.some((text) => /certificate|\bTLS\b|\bSSL\b|wrong version number/i.test(text))) return ['tls', 'certain'];
  if (webSocket?.stage === 'upgrading') return ['websocket-upgrade', 'certain'];
  if (errors.some((text) => text.includes('connack timeout'))) {
    return ['broker-unreachable', 'likely', 'connected, and nothing came back'];
  }
  if (isSilentRefusal(evidence)) return silentlyRefused(evidence);
  if (systemCode !== '') return ['network', 'likely', 'the connection broke before the broker answered'];
  return ['protocol-error', 'likely', 'what came back is not MQTT'];
}

/** Closed, in order or not, in answer to CONNECT. */
export function isSilentRefusal({ wasUp, code, systemCode, errors, securing = false }: CloseEvidence): boolean {
  if (wasUp || code !== 0 || securing) return false;
  return systemCode === undefined ? errors.length === 0 : RESET_CODES.has(systemCode);
}

function silentlyRefused({ protocolVersion, systemCode, silentRefusals = 0 }: Evidence): Judgement {
  const how = systemCode === undefined ? 'closed without a word' : 'reset';
  const text = `${how} in answer to a CONNECT of MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`;
  if (protocolVersion === 5 && silentRefusals > 0) {
    return ['protocol-version', 'guess', `${text} again: it may be too old for that, or full`];
  }
  return ['broker-unreachable', 'guess', `${text}: the broker may be starting, full, or want TLS`];
}

/** It was up and ended without a code. */
function dropped(evidence: Evidence): Judgement {
  const { errors, systemCode } = evidence;
  const stall = stalled(evidence);
  if (stall) return stall;
  if (systemCode !== undefined && TLS_CODE.test(systemCode)) return ['tls', 'likely'];
  if (errors.length > 0 && systemCode === undefined)
    return ['malformed-packet', 'likely', 'what came in cannot be read'];
  return (
    hungUpOn(evidence) ??
    contested(evidence) ??
    explainedAfterwards(evidence) ?? ['network', 'guess', bareText(evidence)]
  );
}

/** A broker hangs up on a client it has heard nothing from for one and a half keepalives [MQTT-3.1.2-22]. */
function stalled({ threadDelayMs, keepaliveMs }: Evidence): Judgement | undefined {
  if (threadDelayMs < keepaliveMs) return undefined;
  return ['event-loop-stall', 'likely', `the link's thread stood still for ${Math.round(threadDelayMs)} ms`];
}

/** An operation is the suspect when the broker hung up rather than answer it, and the more so the second time. */
function hungUpOn(evidence: Evidence): Judgement | undefined {
  const { outstanding, systemCode, history, afterwards } = evidence;
  const large = outstanding.find(({ bytes }) => bytes >= LARGE_BYTES);
  if (large && systemCode !== undefined) {
    return ['packet-too-large', 'likely', `reset while this was being sent: ${described(large)}`];
  }
  const before = history[0]?.unanswered;
  const isAgain = ({ kind, name }: Outstanding): boolean => before?.kind === kind && before.name === name;
  // Who takes the session over cuts short what is asked for anew at every connect.
  const operation = outstanding.find((one) => one.granted !== true || isAgain(one));
  if (!operation) return undefined;
  const again = isAgain(operation);
  // A line that breaks and a broker that goes away leave something unanswered too.
  if (!again && (!isOrderly(evidence) || isGone(afterwards))) return undefined;
  const cause = operation.kind === 'subscribe' ? 'subscribe-denied' : 'publish-denied';
  return [
    cause,
    again && outstanding.length === 1 && isOrderly(evidence) ? 'likely' : 'guess',
    `hung up instead of answering: ${described(operation)}`,
  ];
}

function isGone(afterwards: Afterwards | undefined): boolean {
  return afterwards?.kind === 'refused' && UNREACHED.has(afterwards.cause) && !isThere(afterwards);
}

/** Another user of the client id: nothing else closes so often without a reason, and goes on taking connections. */
function contested(evidence: Evidence): Judgement | undefined {
  if (!isBare(evidence) || isGone(evidence.afterwards)) return undefined;
  const [last] = evidence.history;
  return last?.cause === 'client-id-conflict' ? contestedAgain(evidence, last) : contestedInARow(evidence);
}

/**
 * We held off and came back, which ends the row: this close alone tells only that the rival, who holds off too or
 * comes back at once, may be there still. A broker that restarts looks alike, until it refuses a connection.
 */
function contestedAgain(evidence: Evidence, last: Life): Judgement | undefined {
  const { upMs, sessionPresent, afterwards, history } = evidence;
  if (upMs > TAKEN_BACK_MS_MAX || !last.bare || last.unreached) return undefined;
  if (!isOrderly(evidence) && !last.orderly) return undefined;
  if (!sessionPresent && last.cameBack !== true) return undefined;
  const lives = [upMs, ...history.slice(0, SAME_LENGTHS_MIN - 1).map((life) => life.upMs)];
  if (lives.length === SAME_LENGTHS_MIN && areSameLength(lives)) return ofSameLength(lives);
  const there = afterwards !== undefined && isThere(afterwards);
  const text = `closed without a word again, ${inSeconds([upMs])} s after the session was taken back`;
  return [
    'client-id-conflict',
    there && sessionPresent ? 'likely' : 'guess',
    there ? `${text}, by a broker that takes connections all the while` : text,
  ];
}

function contestedInARow(evidence: Evidence): Judgement | undefined {
  const before = evidence.history.slice(0, BARE_CLOSES_MAX - 1);
  if (before.length < BARE_CLOSES_MAX - 1) return undefined;
  // A broker that gives the session to another takes connections all the while.
  const all = [evidence, ...before].every(({ upMs }) => upMs <= CONTESTED_MS_MAX);
  if (!all || !before.every(({ bare, unreached }) => bare && !unreached)) return undefined;
  // The first of them may have begun the session.
  const kept = evidence.sessionPresent && before.slice(0, -1).every(({ sessionPresent }) => sessionPresent);
  // A rival that begins a new session each time leaves us none; a restart does too, and is not over at once.
  const cameBack = before.every((life) => life.cameBack);
  if (!kept && !cameBack) return undefined;
  const causes = new Set<Cause>(['network', ...(cameBack ? ['broker-shutdown' as const] : [])]);
  if (!before.every(({ cause }) => causes.has(cause))) return undefined;
  // A broker closes in order, at least as a rule; a line that breaks resets.
  const closes = Number(isOrderly(evidence)) + before.filter(({ orderly }) => orderly).length;
  if (closes < ORDERLY_MIN) return undefined;
  const lives = [evidence, ...before].map(({ upMs }) => upMs);
  if (areSameLength(lives)) return ofSameLength(lives);
  return [
    'client-id-conflict',
    kept ? 'likely' : 'guess',
    `closed without a word ${lives.length} times in a row, soon after each connect (${inSeconds(lives)} s), with ${kept ? 'the session kept' : 'another session begun each time'}`,
  ];
}

function areSameLength(lives: readonly number[]): boolean {
  const [least, most] = [Math.min(...lives), Math.max(...lives)];
  return least >= 5_000 && most - least <= SAME_LENGTH_SHARE * most;
}

function ofSameLength(lives: readonly number[]): Judgement {
  const text = `each connection lives equally long (${inSeconds(lives)} s): an idle or lifetime limit on the way`;
  return ['network', 'likely', text];
}

function inSeconds(lives: readonly number[]): string {
  return lives.map((upMs) => (upMs / 1_000).toFixed(1)).join(', ');
}

/**
 * Whether the next connect met a broker. NATS, for one, closes a client that comes back too soon after a takeover, in
 * order; a load balancer with nobody behind it resets.
 */
export function isThere(afterwards: Afterwards): boolean {
  if (afterwards.kind !== 'refused') return true;
  return afterwards.confidence === 'guess' && afterwards.orderly;
}

/** A drop without a word is often explained by what the next attempt meets. */
function explainedAfterwards({ afterwards, systemCode }: Evidence): Judgement | undefined {
  const how = systemCode === undefined ? 'closed without a word' : `broken (${systemCode})`;
  if (!afterwards || afterwards.kind === 'there') return undefined;
  if (afterwards.kind === 'accepted') {
    if (afterwards.sessionPresent) return undefined;
    return ['broker-shutdown', 'likely', `${how}, and the broker had forgotten the session afterwards`];
  }
  const { cause, confidence } = afterwards;
  if (isGone(afterwards)) {
    if (confidence === 'certain') return ['broker-shutdown', 'likely', `${how}, and then nobody took connections`];
    return ['network', confidence, `${how}, and then nobody answered`];
  }
  if (UNREACHED.has(cause)) return ['network', 'guess', `${how}, and so was the next connect`];
  if (cause === 'network' || cause === 'unknown') return undefined;
  return [cause, 'likely', `${how}, and the next connect was refused for this`];
}

function described({ kind, name, bytes }: Outstanding): string {
  return `${kind === 'subscribe' ? 'SUBSCRIBE' : 'PUBLISH'} ${name} (${bytes} bytes)`;
}

function bareText({ wasUp, systemCode, outstanding: [operation] }: Evidence): string {
  if (!wasUp) return 'closed before CONNACK';
  const how = systemCode === undefined ? 'closed without a word' : `broken (${systemCode})`;
  return `${how}; ${operation ? `not answered: ${described(operation)}` : 'nothing was outstanding'}`;
}

/** Neither refused by the broker nor kept from reaching it. */
export function mayHaveConnected({ cause, confidence }: Diagnosis, { code }: CloseEvidence): boolean {
  return (
    code === 0 && cause !== 'dns' && cause !== 'tls' && !(cause === 'broker-unreachable' && confidence === 'certain')
  );
}
