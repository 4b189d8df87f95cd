/** What the running gateway says of its journal and its canary: the link may be up, and no message come through. */
import { reachable } from '../domain/address.js';
import type { LinkStatus } from '../domain/link.js';
import type { OpsSettings } from '../domain/settings.js';
import type { Means } from './examination.js';
import { failed, ok, skipped, together, warning, type Verdict } from './row.js';
import { seconds } from './words.js';

const ANSWER_CHARACTERS_MAX = 100_000;
/** A line of `/readyz?verbose`. */
const PART = /^\[([+-])\] (journal [^:]+): (.*)$/gm;

/** `/readyz?verbose` at the ops port of the configuration. */
export async function askJournal(
  { host, port }: Pick<OpsSettings, 'host' | 'port'>,
  signal: AbortSignal,
): Promise<Verdict> {
  if (port === 0) return skipped('ops.port is 0, so nobody knows where the gateway would answer');
  const url = `http://${reachable(host)}:${port}/readyz?verbose`;
  try {
    const response = await fetch(url, { signal, redirect: 'manual' });
    return judgeJournal((await response.text()).slice(0, ANSWER_CHARACTERS_MAX), url);
  } catch (error) {
    const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).name;
    return warning(
      `the gateway answers REST, and not ${url} (${code})`,
      'Its link thread stands still, or ops.host and ops.port are not those it runs with: see its log.',
    );
  }
}

/** Pure: what the readiness probe says of the journal. */
export function judgeJournal(text: string, url: string): Verdict {
  const findings = [...text.matchAll(PART)].map(([, sign, part, detail]): Verdict => {
    if (sign === '+') return ok(`${part}: ${detail}`);
    return part === 'journal has room'
      ? failed(
          `the journal is ${detail}; messages wait at the broker, unacknowledged`,
          'Free space on the disk, raise journal.maxSize, or mend the subscriber whose backlog fills it: GET /v1/subscribers shows lagRecords.',
        )
      : failed(`${part}: ${detail}`, 'The disk under journal.directory does not answer: look at it.');
  });
  if (findings.length > 0) return together(findings);
  return warning(`what answers at ${url} is not a Holdfast gateway`, 'Another program has the port: change ops.port.');
}

/** Pure: whether what the gateway sends to itself comes back. */
export function judgeCanary({ canary, state }: Pick<LinkStatus, 'canary' | 'state'>, { probe }: Means): Verdict {
  if (!canary) {
    return skipped(
      `the gateway has none: without it a broker that grants a filter and withholds its messages shows to ${probe} alone`,
      'Set session.canary.topic.',
    );
  }
  const { silent, seconds: age, diagnosis } = canary;
  if (silent) {
    const evidence = diagnosis?.evidence.join('; ') ?? `away for ${seconds(age * 1_000)}`;
    return failed(`it does not come back: ${evidence}`, diagnosis?.mend ?? '');
  }
  if (age === 0) return skipped(state === 'up' ? 'the first one is on its way' : 'the link is not up');
  return ok(`the last one came back after ${seconds(age * 1_000)}`);
}
