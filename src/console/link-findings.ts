/** What is wrong with the link. Pure. */
import { MEND } from '../domain/cause.js';
import { isDenied, type LinkDrop } from '../domain/link.js';
import type { Facts, SessionLost } from './facts.js';
import { many } from './shown/format.js';
import { outageOf, takeoversOf, type Outage } from './outage.js';
import type { Finding } from './shown/types.js';

/** A drop is news for so long. */
const RECENT_MS = 10 * 60_000;
/** An outage that is over sooner is none to be woken for. */
const DOWN_MS = 60_000;
const NONE: Outage = { refusals: 0 };

export function linkFindings({ link, now, startedAt, drops, incidents }: Facts): Finding[] {
  if (!link) return [];
  const found: Finding[] = [];
  const { state, canary } = link;
  if (incidents.sessionLost) found.push(sessionLost(incidents.sessionLost));
  const takeovers = takeoversOf(drops, Date.parse(now), RECENT_MS);
  if (takeovers.length > 0) found.push(conflict(takeovers));
  const outage = outageOf(drops);
  if (state !== 'up' && state !== 'stopped')
    found.push(down(drops[0]?.backAt === undefined ? outage : NONE, startedAt, now, link.url));
  else if (isNews(outage, now)) found.push(dropped(outage));
  const { unsubscribed } = incidents;
  const since = (name: string): { since?: string } => (unsubscribed[name] ? { since: unsubscribed[name] } : {});
  for (const [subject, code] of Object.entries(link.denied)) {
    if (!isDenied(code)) continue;
    const how = code === null ? 'it hung up instead of answering' : `its answer was code ${code}`;
    const mend = 'Allow the filter for this user at the broker, or remove the subscription.';
    const what = `The broker refuses the subscription ${subject}: nothing comes from it.`;
    found.push({
      id: 'subscription-denied',
      subject,
      severity: 'critical',
      what,
      ...since(subject),
      why: how,
      mend,
      panel: 'link',
    });
  }
  for (const subject of link.unanswered) {
    const what = `The broker does not answer for the subscription ${subject}.`;
    const why = 'It was asked for, and is asked for again every minute.';
    const mend = 'Look at the broker’s log: some withhold an answer for what they do not allow.';
    found.push({
      id: 'subscription-unanswered',
      subject,
      severity: 'critical',
      what,
      ...since(subject),
      why,
      mend,
      panel: 'link',
    });
  }
  if (canary?.silent) {
    const { evidence = [], mend = '' } = canary.diagnosis ?? {};
    const what = 'The broker takes messages and does not send them back.';
    const why = `${[`Nothing has come back for ${Math.round(canary.seconds)} s`, ...evidence].join('; ')}.`;
    const began = new Date(Date.parse(now) - canary.seconds * 1_000).toISOString();
    found.push({ id: 'canary-silent', severity: 'critical', what, since: began, why, mend, panel: 'link' });
  }
  return found;
}

function sessionLost({ from, to, times }: SessionLost): Finding {
  const between = from === undefined ? `Messages from before ${to}` : `Messages between ${from} and ${to}`;
  const again = times > 1 ? ` It was lost ${times} times within a day.` : '';
  return {
    id: 'session-lost',
    severity: 'critical',
    what: 'The broker had lost the session: what it held for the gateway is gone.',
    since: to,
    why: `${between} may be missing: the broker knew nothing of the session any more.${again}`,
    mend: `${MEND['session-lost']} Ask the devices to send again, where they can: $holdfast/link/gap in the journal says between which positions.`,
    panel: 'link',
  };
}

/** @param takeovers newest first, at least one */
function conflict(takeovers: readonly LinkDrop[]): Finding {
  const [last] = takeovers;
  const times = takeovers.reduce((sum, { count = 1 }) => sum + count, 0);
  const first = takeovers.at(-1)!;
  return {
    id: 'client-id-conflict',
    severity: 'critical',
    what:
      times > 1
        ? 'Another client takes the session away, again and again: what it acknowledges is not here.'
        : 'Another client has taken the session away: what it acknowledged is not here.',
    since: first.firstAt ?? first.at,
    why: [`${many(times, 'time')}, last at ${last!.at}.`, seen(last!)].join(' '),
    mend: last!.mend,
    panel: 'link',
  };
}

function down(outage: Outage, startedAt: string, now: string, url: string): Finding {
  const { begun, refusal } = outage;
  const since = begun?.at ?? startedAt;
  const why = begun ? seen(begun) : 'It has not been up since the start.';
  return {
    id: 'link-down',
    severity: Date.parse(now) - Date.parse(since) > DOWN_MS ? 'critical' : 'warning',
    what: `The link is down: nothing comes from ${url}, and publishes wait.`,
    since,
    why: `${why} ${refused(outage)}`.trim(),
    mend: mendOf(begun, refusal) ?? 'Wait: it connects by itself.',
    panel: 'link',
  };
}

function isNews({ begun, refusal }: Outage, now: string): boolean {
  const last = refusal ?? begun;
  if (!last || Date.parse(now) - Date.parse(last.at) >= RECENT_MS) return false;
  return begun?.cause !== 'client-id-conflict'; // that has a finding of its own
}

function dropped(outage: Outage): Finding {
  const { begun, refusal } = outage;
  const first = begun ?? outage.firstRefusal!;
  return {
    id: 'link-dropped',
    severity: 'warning',
    what: begun
      ? 'The link dropped a short while ago. It is back.'
      : 'The link came up only after it had been refused.',
    since: first.firstAt ?? first.at,
    why: [begun ? seen(begun) : '', refused(outage)].join(' ').trim(),
    mend: mendOf(begun, refusal)!,
    panel: 'link',
  };
}

function seen({ cause, confidence, evidence }: LinkDrop): string {
  const said = `${cause} (${confidence})`;
  return evidence.length > 0 ? `${said}: ${evidence.join('; ')}.` : `${said}.`;
}

function refused({ refusal, refusals }: Outage): string {
  return refusal ? `Connects that failed meanwhile: ${refusals}, the last with ${seen(refusal)}` : '';
}

/** What ends the outage is first what refuses the gateway now. */
function mendOf(begun: LinkDrop | undefined, refusal: LinkDrop | undefined): string | undefined {
  if (!begun || !refusal || begun.mend === refusal.mend) return (begun ?? refusal)?.mend;
  return `${refusal.mend} It began with ${begun.cause}: ${begun.mend}`;
}
