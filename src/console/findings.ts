/** What is not as it should be, in words for whoever is on call. Pure. */
import { REJECTIONS_COUNTED } from '../domain/journal.js';
import type { About, Facts } from './facts.js';
import { linkFindings } from './link-findings.js';
import { lossFindings } from './loss-findings.js';
import type { Finding, Status } from './shown/types.js';
import { subscriberFindings } from './subscriber-findings.js';

const SEVERITIES: readonly Finding['severity'][] = ['critical', 'warning', 'info'];
const NEAR_FULL = 0.9;
const COMMIT_SECONDS_SLOW = 1;
const DELAY_SECONDS_LATE = 5;
const UNADMITTED_MANY = 1_000;

/** The worst first. */
export function findingsOf(facts: Facts): Finding[] {
  const found = [
    linkFindings,
    lossFindings,
    journalFindings,
    contractFindings,
    threadFindings,
    subscriberFindings,
    reloadFindings,
  ];
  return found
    .flatMap((of) => of(facts))
    .sort((one, other) => SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity));
}

function journalFindings({ journal, incidents, journalFullSince: since }: Facts): Finding[] {
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
    const { nearFullSince } = incidents;
    tell('journal-filling', {
      severity: 'warning',
      what,
      ...(nearFullSince ? { since: nearFullSince } : {}),
      why,
      mend,
    });
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
  if (rejected.length === 0 && journal.rejections > 0) {
    const what = 'Messages that failed their contract wait, and are given to nobody.';
    const many =
      journal.rejections < REJECTIONS_COUNTED ? `${journal.rejections} wait` : `${REJECTIONS_COUNTED} or more wait`;
    const why = `${many}; none failed in the last five minutes.`;
    const look = 'Replay them, if what failed is mended, or delete them.';
    found.push({ id: 'rejections', severity: 'info', what, why, mend: look, panel: 'rejections' });
  }
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

function reloadFindings({ reload }: Facts): Finding[] {
  if (!reload) return [];
  const { result, at: since, needsRestart } = reload;
  if (result === 'refused') {
    const what = 'The configuration on disk is refused: what was in force before still is.';
    const mend = 'Mend the lines that the log names; `holdfast check` shows them, too.';
    const why = 'Reading it again found problems.';
    return [{ id: 'reload-refused', severity: 'warning', what, since, why, mend, panel: 'config' }];
  }
  if (result === 'incomplete') {
    const what = 'Some of the configuration on disk is not in force.';
    const mend = 'Mend what the log names with it, and reload again: that tries the rest.';
    const why = 'Not every change of it could be carried out.';
    return [{ id: 'reload-incomplete', severity: 'warning', what, since, why, mend, panel: 'config' }];
  }
  if (needsRestart.length === 0) return [];
  const what = 'The configuration on disk says something else than the gateway runs with.';
  const why = `A restart is needed for ${needsRestart.join(', ')}.`;
  return [
    { id: 'restart-needed', severity: 'info', what, since, why, mend: 'Restart it when it suits.', panel: 'config' },
  ];
}
