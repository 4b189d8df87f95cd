/** Why a connection ended or never came up. Pure: evidence in, diagnosis out. */
import { MEND, type Diagnosis } from '../domain/cause.js';
import { causeOfCode, causeOfRefusal } from './causes.js';
import {
  described,
  found,
  isGone,
  isOrderly,
  isTakeoverGuessed,
  isThere,
  isToldTakeover,
  isUnreached,
  isWordless,
  type Evidence,
  type Judgement,
  type Outstanding,
} from './evidence.js';
import { isOfTls, ofTls, unreached } from './refusals.js';
import { contested } from './takeovers.js';

const LARGE_BYTES = 16 * 1024;
const UNSPECIFIED = new Set([0, 0x80, 0x83]);

const THERE = 'the broker took connections all the while';
const TAKEN_OVER_ONCE =
  'Another client has connected with this client id: a second gateway, perhaps one that was replacing this one, or `holdfast doctor --takeover`. If it happens again, find it at the broker, and give every gateway a session.clientId of its own.';
const RIVAL_OR_FORGOTTEN =
  'Either another client connected with this client id and a clean start, which ends the session: look for it at the broker, and give every gateway a session.clientId of its own. Or the broker has lost its sessions: turn on its persistence.';

const REFUSED_AND_HUNG_UP =
  'Some brokers hang up after they have refused a publish: Mosquitto 2.0 does with max_queued_messages 0, so give it a limit.';

export function diagnose(evidence: Evidence): Diagnosis {
  const { cause, confidence, evidence: more, mend = MEND[cause], inWords = false } = judge(evidence);
  const seen = inWords ? [...more] : [...more, ...evidence.errors];
  const { closeCode, closeReason = '' } = evidence.webSocket ?? {};
  if (closeCode !== undefined) seen.push(`WebSocket closed with code ${closeCode} ${closeReason}`.trimEnd());
  if (evidence.code !== 0) seen.unshift(`${evidence.where} reason code 0x${evidence.code.toString(16)}`);
  return { cause, confidence, evidence: seen.length > 0 ? seen : [bareText(evidence)], mend };
}

/** Whether the next attempt may say more of it than is known now. */
export function isOpen(evidence: Evidence): boolean {
  if (!evidence.wasUp || evidence.afterwards !== undefined) return false;
  const { cause, confidence } = judge(evidence);
  // A broker that goes away under a large PUBLISH looks like one that does not take it.
  return (
    confidence === 'guess' ||
    isTakeoverGuessed(cause, evidence) ||
    (cause === 'packet-too-large' && isWordless(evidence))
  );
}

function judge(evidence: Evidence): Judgement {
  const { code, ended } = evidence;
  if (ended === 'stop') return found('requested', 'certain', 'the gateway was stopped');
  if (ended === 'keepalive')
    return stalled(evidence) ?? found('keepalive-timeout', 'certain', 'pings were not answered');
  if (code !== 0) return spoken(evidence);
  if (isToldTakeover(evidence)) return takenOver(evidence, found('client-id-conflict', 'certain'));
  return evidence.wasUp ? dropped(evidence) : unreached(evidence);
}

/** The broker gave a code. */
function spoken(evidence: Evidence): Judgement {
  const { code, where, outstanding, protocolVersion } = evidence;
  const cause = causeOfCode(code);
  if (cause === 'keepalive-timeout') {
    return stalled(evidence) ?? found(cause, 'certain', 'the broker says that it heard nothing in time');
  }
  if (where === 'connack') {
    // 3.1.1 has one code for many reasons, and brokers use 5 for a wrong password.
    return found(
      cause,
      protocolVersion === 4 && code === 5 ? 'likely' : 'certain',
      'the broker refused the connection',
    );
  }
  const [operation] = outstanding;
  if (operation && (cause === 'not-authorized' || UNSPECIFIED.has(code))) {
    const denied = operation.kind === 'subscribe' ? 'subscribe-denied' : 'publish-denied';
    return found(denied, 'likely', `not answered: ${described(operation)}`);
  }
  const judgement = found(cause, UNSPECIFIED.has(code) ? 'guess' : 'certain');
  return cause === 'client-id-conflict' ? takenOver(evidence, judgement) : judgement;
}

/** The broker told it. Once is not yet a fight. */
function takenOver({ history }: Evidence, judgement: Judgement): Judgement {
  return history.some(({ cause }) => cause === judgement.cause) ? judgement : { ...judgement, mend: TAKEN_OVER_ONCE };
}

/** It was up and ended without a code. */
function dropped(evidence: Evidence): Judgement {
  const { errors, systemCode } = evidence;
  const stall = stalled(evidence);
  if (stall) return stall;
  if (systemCode !== undefined && isOfTls(systemCode)) return ofTls(evidence, 'likely');
  if (errors.length > 0 && systemCode === undefined) {
    return found('malformed-packet', 'likely', 'what came in cannot be read');
  }
  return (
    hungUpAfterRefusal(evidence) ??
    hungUpOn(evidence) ??
    contested(evidence) ??
    explainedAfterwards(evidence) ??
    found('network', 'guess', bareText(evidence))
  );
}

/** A broker hangs up on a client it has heard nothing from for one and a half keepalives [MQTT-3.1.2-22]. */
function stalled({ threadDelayMs, keepaliveMs }: Evidence): Judgement | undefined {
  if (threadDelayMs < keepaliveMs) return undefined;
  return found('event-loop-stall', 'likely', `the link's thread stood still for ${Math.round(threadDelayMs)} ms`);
}

/** An operation is the suspect when the broker hung up rather than answer it, and the more so the second time. */
function hungUpOn(evidence: Evidence): Judgement | undefined {
  const { outstanding, systemCode, history, afterwards } = evidence;
  const large = outstanding.find(({ bytes }) => bytes >= LARGE_BYTES);
  if (large && systemCode !== undefined && !isGone(afterwards)) {
    return found('packet-too-large', 'likely', `reset while this was being sent: ${described(large)}`);
  }
  const [last] = history;
  const before = last?.unanswered;
  const isAgain = ({ kind, name, granted, sequence }: Outstanding): boolean =>
    before?.kind === kind &&
    before.name === name &&
    before.sequence === sequence &&
    !(granted === true && last!.cause === 'client-id-conflict');
  // Who takes the session over cuts short what is asked for anew at every connect.
  const operation = outstanding.find((one) => one.granted !== true || isAgain(one));
  if (!operation) return undefined;
  const again = isAgain(operation);
  // A line that breaks and a broker that goes away leave something unanswered too.
  if (!again && (!isOrderly(evidence) || isGone(afterwards))) return undefined;
  const confidence = again && outstanding.length === 1 && isOrderly(evidence) ? 'likely' : 'guess';
  const text = `hung up instead of answering: ${described(operation)}`;
  if (operation.kind === 'subscribe') return found('subscribe-denied', confidence, text);
  const either = `it may not be allowed, or be larger than the broker takes`;
  return { ...found('publish-denied', confidence, text, either), mend: deniedOrTooLarge(operation) };
}

/** What is on the way behind a publish that was just refused is not why, and a rival would hardly come in that moment. */
function hungUpAfterRefusal(evidence: Evidence): Judgement | undefined {
  const { refused, afterwards } = evidence;
  if (!refused || isGone(afterwards)) return undefined;
  const { topic, reasonCode } = refused;
  const cause = causeOfRefusal('publish', reasonCode);
  const sure = afterwards !== undefined && isThere(afterwards) && isOrderly(evidence);
  const text = `hung up right after it had refused PUBLISH ${topic} with reason code 0x${reasonCode.toString(16)}`;
  return { ...found(cause, sure ? 'likely' : 'guess', text), mend: `${MEND[cause]} ${REFUSED_AND_HUNG_UP}` };
}

/** MQTT 3.1.1 has no word for either, and some brokers of MQTT 5 say none. */
function deniedOrTooLarge({ bytes }: Outstanding): string {
  return `${MEND['publish-denied']} Or the broker takes no packet of ${bytes} bytes: compare its limit with publish.maxPayload.`;
}

/** A drop without a word is often explained by what the next attempt meets. */
function explainedAfterwards(evidence: Evidence): Judgement | undefined {
  const { afterwards, systemCode } = evidence;
  const how = systemCode === undefined ? 'closed without a word' : `broken (${systemCode})`;
  if (!afterwards || afterwards.kind === 'there') return undefined;
  if (afterwards.kind === 'accepted') {
    if (afterwards.sessionPresent) return undefined;
    // For a takeover a broker closes in order; one that never went away has hardly lost its sessions.
    const cause = isOrderly(evidence) ? 'client-id-conflict' : 'broker-shutdown';
    const text = `${how}; ${THERE}, and had no session any more: another client may have ended it with a clean start, or the broker has lost its sessions`;
    return { ...found(cause, 'guess', text), mend: RIVAL_OR_FORGOTTEN };
  }
  const { cause, confidence } = afterwards;
  if (isGone(afterwards)) {
    if (confidence === 'certain') return found('broker-shutdown', 'likely', `${how}, and then nobody took connections`);
    return found('network', confidence, `${how}, and then nobody answered`);
  }
  if (isUnreached(cause)) return found('network', 'guess', `${how}, and so was the next connect`);
  if (cause === 'network' || cause === 'unknown') return undefined;
  return found(cause, 'likely', `${how}, and the next connect was refused for this`);
}

function bareText({ wasUp, systemCode, outstanding: [operation], afterwards }: Evidence): string {
  if (!wasUp) return 'closed before CONNACK';
  const how = systemCode === undefined ? 'closed without a word' : `broken (${systemCode})`;
  const there = afterwards && isThere(afterwards) ? `; ${THERE}` : '';
  return `${how}; ${operation ? `not answered: ${described(operation)}` : 'nothing was outstanding'}${there}`;
}
