import type { Cause, Diagnosis } from '../domain/cause.js';
import { causeOfCode, MEND } from './causes.js';
import type { CloseEvidence } from './connection.js';

/** What was asked of the broker and not answered when the connection ended. */
export interface Outstanding {
  kind: 'subscribe' | 'publish';
  /** The filter or topic. */
  name: string;
  /** Of the packet, about. */
  bytes: number;
}

/** What the first attempt after a drop met. */
export type Afterwards =
  | { kind: 'accepted'; sessionPresent: boolean }
  | { kind: 'refused'; cause: Cause; confidence: Diagnosis['confidence'] };

/** One connection that was up and ended, as far as later ones want to know. */
export interface Life {
  /** The broker closed it without a word, and nothing was outstanding. */
  bare: boolean;
  /** An orderly close, not a reset. */
  orderly: boolean;
  sessionPresent: boolean;
  upMs: number;
  cause: Cause;
  /** A connect failed between it and the one after it. */
  unreached: boolean;
  /** The oldest operation that was not answered when it ended. */
  unanswered?: Outstanding | undefined;
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
/** Lives whose lengths differ by less are ended by a clock: a load balancer, and no rival. */
const SAME_LENGTH_SHARE = 0.05;
const RESET_BLAME = 0.5;
const LARGE_BYTES = 16 * 1024;

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
const UNREACHABLE_CODES = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EHOSTDOWN']);
const TLS_CODE = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/;
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
  return evidence.wasUp && evidence.afterwards === undefined && judge(evidence)[1] === 'guess';
}

/** The broker closed it without a word, and nothing was outstanding. */
export function isBare({ wasUp, code, ended, outstanding }: Evidence): boolean {
  return wasUp && code === 0 && ended === undefined && outstanding.length === 0;
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
function unreached({ systemCode = '', errors, protocolVersion, webSocket }: Evidence): Judgement {
  if (DNS_CODES.has(systemCode)) return ['dns', 'certain'];
  if (
    TLS_CODE.test(systemCode) ||
    errors.some((text) => /certificate|\bTLS\b|\bSSL\b|wrong version number/i.test(text))
  ) {
    return ['tls', 'certain'];
  }
  if (UNREACHABLE_CODES.has(systemCode)) return ['broker-unreachable', 'certain'];
  if (webSocket?.stage === 'upgrading') return ['websocket-upgrade', 'certain'];
  if (errors.some((text) => text.includes('connack timeout'))) {
    return ['broker-unreachable', 'likely', 'connected, and nothing came back'];
  }
  if (systemCode !== '') return ['network', 'likely', 'the connection broke before the broker answered'];
  if (errors.length > 0) return ['protocol-error', 'likely', 'what came back is not MQTT'];
  const version = protocolVersion === 5 ? '5' : '3.1.1';
  return ['broker-unreachable', 'guess', `closed without a word in answer to a CONNECT of MQTT ${version}`];
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
  const [operation] = outstanding;
  if (!operation) return undefined;
  const large = outstanding.find(({ bytes }) => bytes >= LARGE_BYTES);
  if (large && systemCode !== undefined) {
    return ['packet-too-large', 'likely', `reset while this was being sent: ${described(large)}`];
  }
  const before = history[0]?.unanswered;
  const again = before?.kind === operation.kind && before.name === operation.name;
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
  return (
    afterwards?.kind === 'refused' && (afterwards.cause === 'broker-unreachable' || afterwards.cause === 'server-busy')
  );
}

/** Another user of the client id: nothing else closes so often without a reason. */
function contested(evidence: Evidence): Judgement | undefined {
  if (!isBare(evidence) || evidence.upMs > CONTESTED_MS_MAX) return undefined;
  const recent = [evidence, ...evidence.history.slice(0, BARE_CLOSES_MAX - 1)];
  const lives = recent.map(({ upMs }) => upMs);
  const before = evidence.history.slice(0, BARE_CLOSES_MAX - 1);
  const all = before.every(
    ({ bare, sessionPresent, upMs, cause, unreached }, i) =>
      bare &&
      !unreached && // a broker that gives the session to another takes connections all the while
      (sessionPresent || i === before.length - 1) && // the first of them may have begun the session
      upMs <= CONTESTED_MS_MAX &&
      (cause === 'network' || cause === 'client-id-conflict'),
  );
  // A broker closes in order, at least as a rule; a line that breaks resets.
  const closes = Number(isOrderly(evidence)) + before.filter(({ orderly }) => orderly).length;
  if (before.length < BARE_CLOSES_MAX - 1 || !all || closes < ORDERLY_MIN || !evidence.sessionPresent) return undefined;
  const [least, most] = [Math.min(...lives), Math.max(...lives)];
  const seconds = lives.map((upMs) => (upMs / 1_000).toFixed(1)).join(', ');
  if (least >= 5_000 && most - least <= SAME_LENGTH_SHARE * most) {
    return [
      'network',
      'likely',
      `each connection lives equally long (${seconds} s): an idle or lifetime limit on the way`,
    ];
  }
  return [
    'client-id-conflict',
    'likely',
    `closed without a word ${recent.length} times in a row, soon after each connect (${seconds} s), with the session kept`,
  ];
}

/** A drop without a word is often explained by what the next attempt meets. */
function explainedAfterwards({ afterwards, systemCode }: Evidence): Judgement | undefined {
  const how = systemCode === undefined ? 'closed without a word' : `broken (${systemCode})`;
  if (!afterwards) return undefined;
  if (afterwards.kind === 'accepted') {
    if (afterwards.sessionPresent) return undefined;
    return ['broker-shutdown', 'likely', `${how}, and the broker had forgotten the session afterwards`];
  }
  const { cause, confidence } = afterwards;
  if (isGone(afterwards)) {
    const restart: Cause = confidence === 'certain' ? 'broker-shutdown' : 'network';
    return [restart, 'likely', `${how}, and then nobody took connections`];
  }
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
