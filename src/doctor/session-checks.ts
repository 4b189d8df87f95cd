/** CONNECT, and whether the session is kept. */
import type { BrokerSettings } from '../domain/settings.js';
import { speaksTls } from './handshake.js';
import { judgeExpiry } from './limits.js';
import type { OwnSession } from './own-session.js';
import { Probe, type Ending } from './probe.js';
import { endingInWords, judgeRefusal } from './refusal.js';
import { failed, ok, together, warning, type Verdict } from './row.js';
import type { SaidLimits } from './limits.js';

export interface Connected {
  verdict: Verdict;
  /** What the broker said of itself; absent when it did not let us in. */
  limits?: SaidLimits;
  /** The broker claimed to have a session of a client id that nobody ever used. */
  strange?: boolean;
}

/** Tries MQTT 5 first and 3.1.1 after it, as the gateway does. */
export async function checkConnect(session: OwnSession, signal: AbortSignal): Promise<Connected> {
  const { broker } = session.settings;
  const versions: (4 | 5)[] = broker.protocol === 'auto' ? [5, 4] : broker.protocol === '5' ? [5] : [4];
  let refused: Ending | undefined;
  for (const version of versions) {
    session.protocolVersion = version;
    const opened = await session.open(signal, session.expirySeconds);
    if (opened instanceof Probe) {
      const { properties = {}, sessionPresent } = opened.connack!;
      return { verdict: letIn(session, broker, refused), limits: properties, strange: sessionPresent };
    }
    refused = opened;
    if (!isAboutVersion(opened) || signal.aborted) break;
  }
  return { verdict: await notLetIn(session, refused!, signal) };
}

/** Some brokers refuse MQTT 5 with a code, some hang up. */
function isAboutVersion({ code, errors, systemCode }: Ending): boolean {
  return code === 1 || code === 0x84 || (code === 0 && errors.length === 0 && systemCode === '');
}

export function protocolOf({ protocolVersion }: OwnSession): '5' | '3.1.1' {
  return protocolVersion === 5 ? '5' : '3.1.1';
}

function letIn(session: OwnSession, { username }: BrokerSettings, refused: Ending | undefined): Verdict {
  const login = username === undefined ? 'without a user name' : `as user "${username}"`;
  const seen = `MQTT ${protocolOf(session)} ${login}, client id ${session.clientId}`;
  if (!refused) return ok(seen);
  const why = refused.code === 0 ? 'it hangs up on MQTT 5' : 'it refuses MQTT 5';
  return ok(`${seen}; ${why}`, 'broker.protocol: 3.1.1 saves the gateway one attempt per start.');
}

async function notLetIn(session: OwnSession, ending: Ending, signal: AbortSignal): Promise<Verdict> {
  const { address, settings, clientId } = session;
  const wordless = ending.code === 0;
  // The signal may have passed already: then there is no time to ask, and nothing is claimed.
  const wantsTls = wordless && !address.secure && !signal.aborted && (await speaksTls(address, signal));
  return judgeRefusal(ending, { broker: settings.broker, clientId, protocol: protocolOf(session), wantsTls });
}

/** Leaves and comes back. */
export async function checkKept(
  session: OwnSession,
  { limits = {}, strange }: Connected,
  signal: AbortSignal,
): Promise<Verdict> {
  const shortened =
    session.protocolVersion === 5 ? judgeExpiry(session.expirySeconds, limits.sessionExpiryInterval) : undefined;
  await session.leave();
  const back = await session.open(signal);
  if (!(back instanceof Probe)) {
    return failed(
      `the second connect did not succeed: ${endingInWords(back)}`,
      'Does the broker limit connections per minute, or ban clients that come back quickly?',
    );
  }
  const findings: Verdict[] = shortened ? [shortened] : [];
  if (!back.connack!.sessionPresent) findings.push(await keptWithSubscription(session, back, signal));
  else if (strange) {
    findings.push(
      warning(
        'the broker says "session present" even to a client id that never connected before',
        'Its word for a kept session means nothing: look at what keeps sessions there.',
      ),
    );
  } else findings.push(ok('there again after a reconnect'));
  return together(findings);
}

/** RabbitMQ's sessions are queues, which begin with the first subscription. */
async function keptWithSubscription(session: OwnSession, probe: Probe, signal: AbortSignal): Promise<Verdict> {
  const gone = failed('after a reconnect the session was gone', LOST);
  const { subscriptions } = session.settings;
  const wanted = subscriptions.find(({ filter, qos }) => qos > 0 && !filter.startsWith('$share/'));
  if (!wanted) return gone;
  const granted = await session.subscribe(probe, wanted.filter, wanted.qos);
  if (typeof granted !== 'number' || granted >= 0x80) return gone;
  await session.leave();
  const back = await session.open(signal);
  if (!(back instanceof Probe) || !back.connack!.sessionPresent) return gone;
  return ok('there again after a reconnect, once it had a subscription');
}

const LOST =
  'What is sent while the link is away is lost. Let the broker keep sessions: look at its session expiry and persistence, and whether a load balancer leads each connect to another node.';
