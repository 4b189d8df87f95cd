import type { LinkStatus } from '../domain/link.js';
import { addressOf } from './address.js';
import { meansOf, type Examination, type Report } from './examination.js';
import { askGateway, judgeGateway, type GatewayAnswer } from './gateway.js';
import { askJournal, judgeCanary } from './health.js';
import { doctorClientId, OwnSession } from './own-session.js';
import { skipped } from './row.js';
import { Interrupted, Rows } from './rows.js';
import { Walk } from './walk.js';

/** Walks the known reasons why links drop, at every address of the broker. Ends its own sessions, also when interrupted. */
export async function examine(examination: Examination): Promise<Report> {
  const { settings } = examination;
  const rows = new Rows(examination);
  const leftBehind: string[] = [];
  let interrupted = false;
  try {
    const gateway = await askedGateway(rows, examination);
    for (const url of settings.broker.urls) {
      rows.turnTo(url);
      const session = new OwnSession(addressOf(url), settings, doctorClientId(settings.session.clientId));
      try {
        await new Walk(rows, session, examination, gateway).go();
      } finally {
        if (!(await session.end())) leftBehind.push(session.clientId);
      }
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    interrupted = true;
  }
  const ok = !interrupted && rows.all.every(({ state }) => state !== 'failed');
  return { ok, broker: settings.broker.urls.join(', '), rows: rows.all, leftBehind, interrupted };
}

async function askedGateway(rows: Rows, examination: Examination): Promise<LinkStatus | undefined> {
  const { settings, gateway } = examination;
  let answer: GatewayAnswer | undefined;
  await rows.examine('gateway', { mend: 'Its main thread stands still: see its log and /livez.' }, async (signal) => {
    answer = gateway ? answerOf(await gateway()) : await askGateway(settings.http, settings.session.clientId, signal);
    return 'why' in answer ? answer.why : judgeGateway(answer.status, Date.now());
  });
  if (!answer || !('status' in answer)) return undefined;
  await rows.examine('journal', { mend: 'Its link thread stands still: see its log.' }, (signal) =>
    askJournal(settings.ops, signal),
  );
  rows.add('canary', judgeCanary(answer.status, meansOf(examination)));
  return answer.status;
}

function answerOf(status: LinkStatus | undefined): GatewayAnswer {
  return status ? { status } : { why: skipped('the gateway has not started its link yet') };
}
