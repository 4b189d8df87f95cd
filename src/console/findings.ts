/** What is not as it should be, in words for whoever is on call. Pure. */
import { isDenied, type LinkDrop } from '../domain/link.js';
import type { Finding, Status } from './shown/types.js';

/** One subscriber, as far as something may be wrong with it. */
export interface SubscriberFacts {
  id: string;
  state: 'active' | 'paused' | 'broken' | 'gone';
  /** Why it is not sent to; '' when it is. */
  reason: string;
  /** ISO 8601; absent: since before the start. */
  since?: string;
  lagRecords: number;
  lagSeconds: number;
  deadLetters: number;
}

/** Records that failed their contract of late. */
export interface RejectedFacts {
  contract: string;
  reason: string;
  count: number;
  /** ISO 8601; never five minutes without one since then. */
  since: string;
}

export interface Facts extends Omit<Status, 'findings' | 'subscribers'> {
  subscribers: readonly SubscriberFacts[];
  /** Of the last five minutes. */
  rejected: readonly RejectedFacts[];
  /** Since when the link is not up. */
  linkDownSince?: string;
  /** Since when the journal is full. */
  journalFullSince?: string;
}

type About = Omit<Finding, 'id' | 'subject'>;

const SEVERITIES: readonly Finding['severity'][] = ['critical', 'warning', 'info'];
/** A drop is news for so long. */
const RECENT_MS = 10 * 60_000;
/** An outage that is over sooner is none to be woken for. */
const DOWN_MS = 60_000;
const NEAR_FULL = 0.9;
const COMMIT_SECONDS_SLOW = 1;
const DELAY_SECONDS_LATE = 5;
const UNADMITTED_MANY = 1_000;
const LAG_SECONDS_LONG = 300;
/** More subscribers than this with the same trouble are one finding. */
const ALIKE_MAX = 10;

/** The worst first. */
export function findingsOf(facts: Facts): Finding[] {
  const found = [linkFindings, journalFindings, contractFindings, threadFindings, subscriberFindings, reloadFindings];
  return found
    .flatMap((of) => of(facts))
    .sort((one, other) => SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity));
}

function linkFindings({ link, now, linkDownSince }: Facts): Finding[] {
  if (!link) return [];
  const found: Finding[] = [];
  const { state, lastDrop, canary } = link;
  if (state !== 'up' && state !== 'stopped') found.push(down(lastDrop, linkDownSince, now, link.url));
  else if (lastDrop && Date.parse(now) - Date.parse(lastDrop.at) < RECENT_MS) found.push(dropped(lastDrop));
  for (const [subject, code] of Object.entries(link.denied)) {
    if (!isDenied(code)) continue;
    const how = code === null ? 'it hung up instead of answering' : `its answer was code ${code}`;
    const mend = 'Allow the filter for this user at the broker, or remove the subscription.';
    const what = `The broker refuses the subscription ${subject}: nothing comes from it.`;
    found.push({ id: 'subscription-denied', subject, severity: 'critical', what, why: how, mend, panel: 'link' });
  }
  for (const subject of link.unanswered) {
    const what = `The broker does not answer for the subscription ${subject}.`;
    const why = 'It was asked for, and is asked for again every minute.';
    const mend = 'Look at the broker’s log: some withhold an answer for what they do not allow.';
    found.push({ id: 'subscription-unanswered', subject, severity: 'critical', what, why, mend, panel: 'link' });
  }
  if (canary?.silent) {
    const { evidence = [], mend = '' } = canary.diagnosis ?? {};
    const what = 'The broker takes messages and does not send them back.';
    const why = [`Nothing has come back for ${Math.round(canary.seconds)} s.`, ...evidence].join(' ');
    found.push({ id: 'canary-silent', severity: 'critical', what, why, mend, panel: 'link' });
  }
  return found;
}

function down(drop: LinkDrop | undefined, since: string | undefined, now: string, url: string): Finding {
  const long = since !== undefined && Date.parse(now) - Date.parse(since) > DOWN_MS;
  const { cause, confidence, evidence = [], mend = 'Wait: it connects by itself.' } = drop ?? {};
  return {
    id: 'link-down',
    severity: long ? 'critical' : 'warning',
    what: `The link is down: nothing comes from ${url}, and publishes wait.`,
    ...(since === undefined ? {} : { since }),
    why: cause ? [`${cause} (${confidence}).`, ...evidence].join(' ') : 'It has not been up yet.',
    mend,
    panel: 'link',
  };
}

function dropped({ at, firstAt, cause, confidence, evidence, mend }: LinkDrop): Finding {
  const conflict = cause === 'client-id-conflict';
  return {
    id: conflict ? 'client-id-conflict' : 'link-dropped',
    severity: conflict ? 'critical' : 'warning',
    what: conflict
      ? 'Another client takes the session away, again and again.'
      : 'The link dropped a short while ago. It is back.',
    since: firstAt ?? at,
    why: [`${cause} (${confidence}).`, ...evidence].join(' '),
    mend,
    panel: 'link',
  };
}

function journalFindings({ journal, journalFullSince: since }: Facts): Finding[] {
  const { state, reason, bytes, maxBytes, corruptRecords, commitSeconds } = journal;
  const found: Finding[] = [];
  const tell = (id: string, about: Omit<About, 'panel'>): void => void found.push({ id, ...about, panel: 'journal' });
  if (state === 'full') {
    const what = 'The journal is full: messages wait at the broker, and publishes are refused.';
    // With a full disk its own bound is not what is in the way.
    const room = reason.startsWith('journal.maxSize')
      ? 'Raise journal.maxSize'
      : 'Free space on the disk of journal.directory, or enlarge it: a larger journal.maxSize does not help';
    const mend = `${room}; or mend the subscriber whose backlog fills it: the one that is furthest behind.`;
    tell('journal-full', { severity: 'critical', what, ...(since ? { since } : {}), why: reason, mend });
  } else if (bytes > maxBytes * NEAR_FULL) {
    const what = 'The journal is nearly full.';
    const why = `${Math.round((bytes / maxBytes) * 100)} % of journal.maxSize are in use.`;
    const mend = 'Mend the subscriber that is furthest behind, or raise journal.maxSize.';
    tell('journal-filling', { severity: 'warning', what, why, mend });
  }
  if (corruptRecords > 0) {
    const what = 'Records in the journal are damaged. They are set aside and given to nobody.';
    const why = `The checksum of ${corruptRecords} did not hold.`;
    const mend = 'Look at the disk and at the log; see "journal damaged" in docs/errors.md.';
    tell('journal-damaged', { severity: 'critical', what, why, mend });
  }
  if (commitSeconds.p99 > COMMIT_SECONDS_SLOW) {
    const what = 'The disk is slow: acknowledgements are late.';
    const why = `Of the commits of the last minute one in a hundred took ${commitSeconds.p99.toFixed(1)} s or more.`;
    tell('commit-slow', {
      severity: 'warning',
      what,
      why,
      mend: 'Look at what else uses the disk of journal.directory.',
    });
  }
  return found;
}

function contractFindings({ contracts, journal, rejected }: Facts): Finding[] {
  const { held, lost, waitSeconds } = contracts;
  const waiting = journal.last - journal.admitted;
  const mend = 'Mend the contract’s code that does not return, and restart the gateway: the log names it.';
  const found: Finding[] = rejected.map(({ contract, reason, count, since }) => ({
    since,
    id: 'rejecting',
    subject: contract,
    severity: 'warning',
    what: `Messages fail the contract ${contract}, and are given to nobody.`,
    why: `${count} in the last five minutes, the last for the reason ${reason}.`,
    mend: 'Look at what is wrong with them; replay them once the contract or the device is mended.',
    panel: 'rejections',
  }));
  if (held) {
    const what = 'Nothing is checked any more: messages wait in the journal.';
    const why = `${lost} contract threads were told to end and do not.`;
    found.push({ id: 'contracts-stuck', severity: 'critical', what, why, mend, panel: 'journal' });
  } else if (waitSeconds > 0) {
    const what = 'The contract thread keeps ending: messages wait in the journal meanwhile.';
    const why = `It is tried again in ${waitSeconds.toFixed(1)} s.`;
    found.push({ id: 'contracts-stuck', severity: 'warning', what, why, mend, panel: 'journal' });
  } else if (waiting > UNADMITTED_MANY) {
    const what = 'Messages come faster than they are checked.';
    const why = `${waiting} wait for their verdict.`;
    const slow = 'Look for a contract that is slow, and give the gateway more CPU.';
    found.push({ id: 'contracts-behind', severity: 'warning', what, why, mend: slow, panel: 'journal' });
  }
  return found;
}

/** What becomes of messages while a thread stands still. */
const MEANWHILE: { readonly [name in keyof Status['threads']]: string } = {
  link: 'messages wait at the broker, and publishes on disk',
  journal: 'messages wait at the broker, and publishes are not taken',
  contract: 'messages wait in the journal, unchecked',
  main: 'messages wait in the journal, and REST does not answer',
};

function threadFindings({ threads, now: at }: Facts): Finding[] {
  return Object.entries(threads).flatMap(([subject, { delaySeconds, worstDelaySeconds }]): Finding[] => {
    if (worstDelaySeconds < DELAY_SECONDS_LATE) return [];
    const now = delaySeconds >= DELAY_SECONDS_LATE;
    return [
      {
        ...{ id: 'thread-stalled', subject, severity: now ? 'critical' : 'warning' },
        what: now
          ? `The ${subject} thread stands still: ${MEANWHILE[subject as keyof typeof MEANWHILE]}.`
          : `The ${subject} thread stood still a short while ago.`,
        ...(now ? { since: new Date(Date.parse(at) - delaySeconds * 1_000).toISOString() } : {}),
        why: `It is late by ${(now ? delaySeconds : worstDelaySeconds).toFixed(1)} s.`,
        mend:
          subject === 'journal'
            ? 'Look at the disk of journal.directory: a commit waits for it.'
            : 'Give the gateway more CPU, and look for code of yours that blocks.',
        panel: subject === 'link' ? 'link' : 'journal',
      },
    ];
  });
}

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

function subscriberFindings({ subscribers, now }: Facts): Finding[] {
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

/** Each with its name; many that are alike as one. @param about `what` goes on after the name */
function told(id: string, some: readonly SubscriberFacts[], about: (one: SubscriberFacts) => About): Finding[] {
  if (some.length <= ALIKE_MAX) {
    return some.map((one) => {
      const { what, ...rest } = about(one);
      return { id, subject: one.id, what: `The subscriber ${one.id} ${what}.`, ...rest };
    });
  }
  const { what, severity, mend, panel } = about(some[0]!);
  const names = some.slice(0, ALIKE_MAX).map((one) => one.id);
  const why = `Among them ${names.join(', ')}.`;
  return [{ id, severity, what: `Of ${some.length} subscribers each ${what}.`, why, mend, panel }];
}

function reloadFindings({ reload }: Facts): Finding[] {
  if (!reload) return [];
  const { result, at: since, needsRestart } = reload;
  if (result === 'refused') {
    const what = 'The configuration on disk is refused: what was in force before still is.';
    const mend = 'Mend the lines that the log names; `holdfast check` shows them, too.';
    const why = 'Reading it again found problems.';
    return [{ id: 'reload-refused', severity: 'warning', what, since, why, mend, panel: 'config' }];
  }
  if (needsRestart.length === 0) return [];
  const what = 'The configuration on disk says something else than the gateway runs with.';
  const why = `A restart is needed for ${needsRestart.join(', ')}.`;
  return [
    { id: 'restart-needed', severity: 'info', what, since, why, mend: 'Restart it when it suits.', panel: 'config' },
  ];
}
