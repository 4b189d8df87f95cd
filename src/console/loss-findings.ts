/** Messages that are gone, or do not get to the broker. Pure. */
import { told } from './alike.js';
import type { DiscardFacts, Facts, Tally } from './facts.js';
import { lasting, many } from './shown/format.js';
import type { Finding } from './shown/types.js';

const OUTBOX_MS_LONG = 300_000;

const DISCARDED: { readonly [reason in DiscardFacts['reason']]: { why: string; mend: string } } = {
  'backlog-full': {
    why: 'its backlog was beyond maxBacklog',
    mend: 'Mend the subscriber, or raise its maxBacklog. What retention has not dropped yet can be given again as a range.',
  },
  'journal-full': {
    why: 'the journal was full, and journal.whenFull has the largest backlog shortened',
    mend: 'Mend the subscriber, or raise journal.maxSize. What retention has not dropped yet can be given again as a range.',
  },
  asked: {
    why: 'somebody changed or removed it with discardBacklog=true',
    mend: 'Nothing, if it was meant. A subscriber with startFrom is given what retention has not dropped yet.',
  },
};

export function lossFindings({ incidents, link, journal, now }: Facts): Finding[] {
  const { expired, dropped, refused, discarded } = incidents;
  return [
    ...discards(discarded, now),
    ...counted(expired, now, {
      ...{ id: 'failed-expired', severity: 'warning', panel: 'dead-letters' },
      what: 'Rejections and dead letters are gone: they were older than journal.failedRetention.',
      mend: 'Replay or delete what fails before that, or raise journal.failedRetention.',
    }),
    ...counted(dropped, now, {
      ...{ id: 'messages-dropped', severity: 'warning', panel: 'rates' },
      what: 'Messages of QoS 0 were dropped: they came faster than the disk could take them.',
      mend: 'Publish and subscribe to what must not be lost with QoS 1. Look at the rates and at the commit time.',
    }),
    ...counted(refused, now, {
      ...{ id: 'publish-refused', severity: 'warning', panel: 'publish' },
      what: 'The broker refused publishes: the callers got 502.',
      mend: 'Look at the cause in GET /v1/publishes/{id} or the log: mostly the broker’s permissions for the topic, or its packet limit.',
    }),
    ...outbox(journal.oldestPublishAt, link?.state, journal.outbox, now),
  ];
}

function discards(all: readonly DiscardFacts[], now: string): Finding[] {
  const about = (one: DiscardFacts): Omit<Finding, 'id' | 'subject'> => ({
    severity: one.reason === 'asked' ? 'info' : 'critical',
    what:
      one.reason === 'asked' ? 'lost its backlog, as was asked' : 'will never be given messages: they were given up',
    since: one.since,
    why: `${times(one, now)}: ${DISCARDED[one.reason].why}.`,
    mend: DISCARDED[one.reason].mend,
    panel: 'subscribers',
  });
  const asked = all.filter(({ reason }) => reason === 'asked');
  const bounded = all.filter(({ reason }) => reason !== 'asked');
  return [...told('records-discarded', bounded, about), ...told('backlog-given-up', asked, about)];
}

function counted(tally: Tally | undefined, now: string, about: Omit<Finding, 'since' | 'why'>): Finding[] {
  return tally ? [{ ...about, since: tally.since, why: `${times(tally, now)}.` }] : [];
}

function times({ count, at }: Tally, now: string): string {
  return `${many(count, 'message')}, the last ${lasting(at, Date.parse(now))} ago`;
}

function outbox(since: string | undefined, state: string | undefined, waiting: number, now: string): Finding[] {
  if (since === undefined || state !== 'up' || Date.parse(now) - Date.parse(since) <= OUTBOX_MS_LONG) return [];
  const what = 'Publishes wait although the link is up.';
  const why = `${many(waiting, 'publish', 'publishes')} wait, the oldest for ${lasting(since, Date.parse(now))}.`;
  const mend =
    'Look at the broker’s log, quota and receive maximum, and whether the link drops at the same publish again and again.';
  return [{ id: 'outbox-waiting', severity: 'warning', what, since, why, mend, panel: 'publish' }];
}
