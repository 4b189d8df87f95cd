/** What is wrong with subscribers. Pure. */
import { told } from './alike.js';
import type { About, Facts, SubscriberFacts } from './facts.js';
import { failureMend, failureWhy } from './failure-words.js';
import { many, shortClock } from './shown/format.js';
import type { Finding } from './shown/types.js';

const LAG_SECONDS_LONG = 300;
/** So many attempts that fail one after the other, for so long, are no blip. */
const FAILURES_MANY = 3;
const FAILING_MS = 10_000;
const DEAD_MANY = 3;

export function subscriberFindings({ subscribers, now }: Facts): Finding[] {
  const at = Date.parse(now);
  const of = (state: SubscriberFacts['state']): SubscriberFacts[] => subscribers.filter((one) => one.state === state);
  const active = of('active');
  const deadLettering = active.filter(({ delivered, dead }) => delivered === 0 && dead >= DEAD_MANY);
  const failing = active.filter((one) => isFailing(one, at) && !deadLettering.includes(one));
  const behind = active.filter((one) => one.lagSeconds > LAG_SECONDS_LONG && !failing.includes(one));
  const failed = subscribers.filter(({ deadLetters }) => deadLetters > 0);
  return [
    ...told('subscriber-gone', of('gone'), gone),
    ...told('subscriber-dead-lettering', deadLettering, allDead),
    ...told('subscriber-broken', of('broken'), (one) => fails(one, at)),
    ...told('subscriber-failing', failing, (one) => fails(one, at)),
    ...told('subscriber-paused', of('paused'), paused),
    ...told('subscriber-lagging', behind, (one) => lags(one, at)),
    ...told('dead-letters', failed, deadLetters),
  ];
}

/** Before its breaker opens, too: the first failures are when somebody may still be near. */
function isFailing({ failing, lagRecords }: SubscriberFacts, now: number): boolean {
  return (
    failing !== undefined &&
    lagRecords > 0 &&
    failing.times >= FAILURES_MANY &&
    now - Date.parse(failing.since) >= FAILING_MS
  );
}

function gone({ since, reason }: SubscriberFacts): About {
  const what = 'answered that it is gone: it is sent nothing more';
  const mend = 'Resume it once its receiver is back, or remove it.';
  return { severity: 'critical', what, ...sinceOf(since), why: reason, mend, panel: 'subscribers' };
}

function paused({ since, reason }: SubscriberFacts): About {
  const what = 'is paused: its messages wait';
  return { severity: 'info', what, ...sinceOf(since), why: reason, mend: 'Resume it.', panel: 'subscribers' };
}

function fails({ since, failing, lastFailure, reason, heldUntil, lagRecords }: SubscriberFacts, now: number): About {
  const until = heldUntil === undefined ? '' : ` It is tried again at ${shortClock(heldUntil, now)}.`;
  const times = failing ? `${many(failing.times, 'attempt')} failed, and none succeeded since.` : '';
  const why = lastFailure ? failureWhy(lastFailure) : `${reason}.`;
  return {
    severity: 'warning',
    what: 'fails: its messages wait',
    ...sinceOf(failing?.since ?? since),
    why: `${why} ${times} ${many(lagRecords, 'message waits', 'messages wait')}.${until}`.replaceAll('  ', ' '),
    mend: `${lastFailure ? failureMend(lastFailure) : 'Mend its receiver.'} It goes on by itself then.`,
    panel: 'subscribers',
  };
}

function allDead({ failing, lastFailure, dead }: SubscriberFacts): About {
  const last = lastFailure ? ` ${failureWhy(lastFailure)}` : '';
  const mend = lastFailure ? failureMend(lastFailure) : 'Look at why they failed.';
  return {
    severity: 'critical',
    what: 'takes nothing: all that it is sent becomes dead letters',
    ...sinceOf(failing?.since),
    why: `${dead} in the last five minutes, and none was delivered.${last}`,
    mend: `${mend} Replay the dead letters then.`,
    panel: 'dead-letters',
  };
}

function lags({ lagRecords, lagSeconds, delivered, lastFailure }: SubscriberFacts, now: number): About {
  const faster = 'Make its receiver faster, raise its concurrency, or look at why attempts fail.';
  const nothing = delivered === 0 ? ' Nothing was delivered to it in the last five minutes.' : '';
  const last = delivered === 0 && lastFailure ? ` ${failureWhy(lastFailure)}` : '';
  return {
    ...{ severity: 'warning', what: 'is behind', panel: 'subscribers' },
    since: new Date(now - lagSeconds * 1_000).toISOString(),
    why: `${lagRecords} messages wait for it, the oldest for ${Math.round(lagSeconds)} s.${nothing}${last}`,
    mend: delivered > 0 ? faster : lastFailure ? failureMend(lastFailure) : 'Test it: its receiver may not answer.',
  };
}

function deadLetters({ deadLetters: count, deadSince, dead }: SubscriberFacts): About {
  return {
    ...{ severity: 'warning', what: 'was not given messages that it should have', panel: 'dead-letters' },
    ...sinceOf(deadSince),
    why: `Dead letters: ${count}; ${dead} in the last five minutes.`,
    mend: 'Look at why they failed, and replay or delete them.',
  };
}

function sinceOf(since: string | undefined): { since?: string } {
  return since === undefined ? {} : { since };
}
