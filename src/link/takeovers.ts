/** Whether a close without a word is somebody else with our client id. Pure. */
import { MEND, type Cause } from '../domain/cause.js';
import { found, isBare, isGone, isOrderly, isThere, type Evidence, type Judgement, type Life } from './evidence.js';

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

const TURNED_AWAY =
  'a connect in between was closed without an answer: a proxy that hides restarts of the broker does so, and some brokers after a takeover';
const RIVAL_OR_PROXY = `${MEND['client-id-conflict']} If there is none: a proxy or load balancer in front of the broker that goes on taking connections hides its restarts, which look just like this; look at the broker’s log.`;

/** Another user of the client id: nothing else closes so often without a reason, and goes on taking connections. */
export function contested(evidence: Evidence): Judgement | undefined {
  if (!isBare(evidence) || isGone(evidence.afterwards)) return undefined;
  const [last] = evidence.history;
  const judgement = last && isContested(last) ? contestedAgain(evidence, last) : contestedInARow(evidence);
  if (judgement?.cause !== 'client-id-conflict') return judgement;
  const found = { ...judgement, mend: RIVAL_OR_PROXY };
  return isTurnedAway(evidence) ? { ...found, confidence: 'guess', evidence: [...found.evidence, TURNED_AWAY] } : found;
}

/** Whether a connect in between reached somebody, and not the broker, for all that is known. */
function isTurnedAway({ history, afterwards }: Evidence): boolean {
  return afterwards?.kind === 'refused' || history.slice(0, BARE_CLOSES_MAX - 1).some((life) => life.turnedAway);
}

/** We held off after it, because somebody else had the session. */
function isContested({ cause, heldOff }: Life): boolean {
  return cause === 'client-id-conflict' && heldOff === true;
}

/** A client that takes the id may begin a session of its own, or unsubscribe; then ours is there and is not ours. */
export function mayBeAnothers(lastCause: Cause | undefined, protocolVersion: 4 | 5): boolean {
  // To ask again costs 3.1.1 every retained message, MQTT 5 nothing [MQTT 5.0, 3.8.3.1].
  return lastCause === 'client-id-conflict' || (lastCause === 'network' && protocolVersion === 5);
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
  return found(
    'client-id-conflict',
    there && sessionPresent ? 'likely' : 'guess',
    there ? `${text}, by a broker that takes connections all the while` : text,
  );
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
  const causes = new Set<Cause>(['network', ...(cameBack ? (['broker-shutdown', 'client-id-conflict'] as const) : [])]);
  if (!before.every(({ cause }) => causes.has(cause))) return undefined;
  // A broker closes in order, at least as a rule; a line that breaks resets.
  const closes = Number(isOrderly(evidence)) + before.filter(({ orderly }) => orderly).length;
  if (closes < ORDERLY_MIN) return undefined;
  const lives = [evidence, ...before].map(({ upMs }) => upMs);
  if (areSameLength(lives)) return ofSameLength(lives);
  return found(
    'client-id-conflict',
    kept ? 'likely' : 'guess',
    `closed without a word ${lives.length} times in a row, soon after each connect (${inSeconds(lives)} s), with ${kept ? 'the session kept' : 'another session begun each time'}`,
  );
}

function areSameLength(lives: readonly number[]): boolean {
  const [least, most] = [Math.min(...lives), Math.max(...lives)];
  return least >= 5_000 && most - least <= SAME_LENGTH_SHARE * most;
}

function ofSameLength(lives: readonly number[]): Judgement {
  const text = `each connection lives equally long (${inSeconds(lives)} s): an idle or lifetime limit on the way`;
  return found('network', 'likely', text);
}

function inSeconds(lives: readonly number[]): string {
  return lives.map((upMs) => (upMs / 1_000).toFixed(1)).join(', ');
}
