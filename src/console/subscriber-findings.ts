/** What is wrong with subscribers. Pure. */
import { told } from './alike.js';
import type { About, Facts } from './facts.js';
import type { Finding } from './shown/types.js';

const LAG_SECONDS_LONG = 300;

const OF_STATE: { readonly [state in 'broken' | 'gone' | 'paused']: Omit<About, 'why' | 'panel' | 'since'> } = {
  broken: {
    severity: 'warning',
    what: 'fails: its messages wait',
    mend: 'Mend its receiver; it is probed now and then, and goes on by itself.',
  },
  gone: {
    severity: 'critical',
    what: 'answered that it is gone: it is sent nothing more',
    mend: 'Resume it once its receiver is back, or remove it.',
  },
  paused: { severity: 'info', what: 'is paused: its messages wait', mend: 'Resume it.' },
};

export function subscriberFindings({ subscribers, now }: Facts): Finding[] {
  const found = (['gone', 'broken', 'paused'] as const).flatMap((state) => {
    const { what, mend, severity } = OF_STATE[state];
    return told(
      `subscriber-${state}`,
      subscribers.filter((one) => one.state === state),
      (one) => ({
        ...{ severity, what, mend, panel: 'subscribers' },
        ...(one.since === undefined ? {} : { since: one.since }),
        why: one.reason,
      }),
    );
  });
  const behind = subscribers.filter(({ state, lagSeconds }) => state === 'active' && lagSeconds > LAG_SECONDS_LONG);
  const failed = subscribers.filter(({ deadLetters }) => deadLetters > 0);
  return [
    ...found,
    ...told('subscriber-lagging', behind, ({ lagRecords, lagSeconds }) => ({
      ...{ severity: 'warning', what: 'is behind', panel: 'subscribers' },
      since: new Date(Date.parse(now) - lagSeconds * 1_000).toISOString(),
      why: `${lagRecords} messages wait for it, the oldest for ${Math.round(lagSeconds)} s.`,
      mend: 'Make its receiver faster, raise its concurrency, or look at why attempts fail.',
    })),
    ...told('dead-letters', failed, ({ deadLetters }) => ({
      ...{ severity: 'warning', what: 'was not given messages that it should have', panel: 'dead-letters' },
      why: `Dead letters: ${deadLetters}.`,
      mend: 'Look at why they failed, and replay or delete them.',
    })),
  ];
}
