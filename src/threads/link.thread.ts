/** The link thread: the broker, the probes, and nothing that blocks. */
import { writeSync } from 'node:fs';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { MEND, type Diagnosis } from '../domain/cause.js';
import { systemClock } from '../domain/clock.js';
import type { ContractThreadHealth } from '../domain/contract.js';
import type { JournalEvents, JournalState } from '../domain/journal.js';
import type { LinkEvent, LinkStatus } from '../domain/link.js';
import { HoldfastError } from '../domain/errors.js';
import type { ExpectedResponse, PublishResult, RequestResponse } from '../domain/publish.js';
import type { SentMark } from '../domain/trace.js';
import type { Credentials, OpsSettings, SubscriptionSettings } from '../domain/settings.js';
import { causeOfRefusal, Session, type SessionOptions } from '../link/index.js';
import { LinkMetrics, LONG_QUIET_MS, OpsServer, type Repeated, Repeats, type Log, type LogLine } from '../ops/index.js';
import { Heartbeats, THREADS } from './heartbeat.js';
import type { ServedJournal } from './journal.thread.js';
import { Channel, remote, served } from './rpc.js';

export interface LinkThreadData {
  ops: OpsSettings;
  subscriptions: string[];
  heartbeats: SharedArrayBuffer;
  /** Whether anything is traced: publishes are then marked, and metrics have exemplars. */
  traced?: boolean;
}

/** What the parent may ask of this thread. */
export interface LinkThreadCalls {
  /** Answers probes and metrics from now on. @returns the port */
  listen(): Promise<number>;
  /** The journal is open. */
  attach(port: MessagePort): Promise<void>;
  /** Connects, and stays connected. */
  connect(options: SessionOptions): Promise<void>;
  /** Subscribes to these from now on, and no longer to what they leave out. Resolves at once: the broker is not waited for. */
  resubscribe(subscriptions: SubscriptionSettings[]): Promise<void>;
  /** What lets the link in from the next connect on. */
  credentials(credentials: Credentials): Promise<void>;
  /** As `Responses.expect`. */
  expectResponse(expected: ExpectedResponse): Promise<void>;
  /** Nobody waits for this answer any more. */
  forgetResponse(token: string): Promise<void>;
  /** How the contract thread is. */
  contracts(health: ContractThreadHealth): Promise<void>;
  status(): Promise<LinkStatus | undefined>;
  /** Lets acknowledgements and the outbox finish, at most so many milliseconds, and disconnects. */
  stop(deadlineMs: number): Promise<void>;
}

/** What this thread asks of its parent. */
export interface LinkThreadParent {
  /** As Prometheus text. @param exemplars see `MetricsSource` */
  metrics(exemplars: boolean): Promise<string>;
}

/** What this thread tells its parent. */
export interface LinkThreadEvents {
  link: LinkEvent;
  /** Publishes ended; the journal may not have it yet. */
  answered: PublishResult[];
  /** A publish that is traced was sent and answered. */
  sent: SentMark;
  /** An answer to a request came. */
  responded: RequestResponse;
  log: LogLine;
}

const STALL_CHECK_MS = 1_000;

const { ops, heartbeats, traced, ...data } = workerData as LinkThreadData;
const beats = new Heartbeats(heartbeats);
const repeats = new Repeats(systemClock);
const facts = {
  started: false,
  stopping: false,
  journalState: undefined as JournalState | undefined,
  journalReason: '',
  contracts: undefined as ContractThreadHealth | undefined,
  unadmitted: undefined as number | undefined,
};
/** Their names. */
let { subscriptions } = data;
let journal: ServedJournal | undefined;
let session: Session | undefined;
/** Monotonic: when the link came up last. */
let upAt = 0;
/** How long the last one was up. */
let upMs = 0;
/** Why connecting fails: told when it begins and when it is something else, and then less and less often. */
let refusal: string | undefined;

const log: Log = (level, message, fields = {}) => tell('log', { level, message, fields });
const metrics = new LinkMetrics(
  () => session?.status(),
  () => subscriptions,
  () => Object.fromEntries(THREADS.map((thread) => [thread, beats.worstDelayMs(thread)])),
  () => facts.contracts,
);
const server = new OpsServer(
  () => ({
    ...facts,
    linkUp: session?.status().state === 'up',
    journalDelayMs: beats.delayMs('journal'),
    mainDelayMs: beats.delayMs('main'),
  }),
  ops,
  { openMetrics: traced === true },
);

const calls: LinkThreadCalls = {
  async listen() {
    server.addMetrics(() => metrics.registry.metrics());
    server.addMetrics(() => journal?.metrics() ?? Promise.resolve(''));
    server.addMetrics((exemplars) => parent.metrics(exemplars));
    return server.listen(ops.host, ops.port);
  },
  attach(port) {
    const toJournal = new Channel(port, undefined, (event, value) => {
      if (event === 'outbox') session?.relay.fresh(value as JournalEvents['outbox']);
      else if (event === 'state') {
        const { state, reason } = value as JournalEvents['state'];
        Object.assign(facts, { journalState: state, journalReason: reason });
      }
    });
    journal = remote<ServedJournal>(toJournal, (method, args) =>
      method === 'append' ? [(args[0] as { payloads: Uint8Array<ArrayBuffer> }).payloads.buffer] : [],
    );
    facts.journalState = 'open';
    return Promise.resolve();
  },
  connect(options) {
    facts.started = true;
    const failed = (error: Error): void => log('error', 'the journal did not take it', { error: error.message });
    session = new Session(options, journal!, observe, failed, {
      clock: systemClock,
      random: Math.random,
      threadDelayMs: () => beats.worstDelayMs('link'),
      answered: (results) => tell('answered', results),
      responded: (response) => tell('responded', response),
      ...(traced ? { traced: (mark: SentMark) => tell('sent', mark) } : {}),
    });
    session.start();
    return Promise.resolve();
  },
  resubscribe(wanted) {
    subscriptions = wanted.map(({ name }) => name);
    session?.resubscribe(wanted);
    return Promise.resolve();
  },
  credentials(credentials) {
    session?.renew(credentials);
    return Promise.resolve();
  },
  expectResponse(expected) {
    const down = new HoldfastError('LINK_DOWN', 'the link is not there yet');
    return session?.expectResponse(expected) ?? Promise.reject(down);
  },
  forgetResponse(token) {
    session?.forgetResponse(token);
    return Promise.resolve();
  },
  contracts(health) {
    facts.contracts = health;
    return Promise.resolve();
  },
  status: () => Promise.resolve(session?.status()),
  async stop(deadlineMs) {
    facts.stopping = true;
    await session?.stop(deadlineMs);
    repeats.flush();
  },
};

function observe(event: LinkEvent): void {
  metrics.observe(event);
  tell('link', event);
  if (event.kind === 'down') upMs = systemClock.monotonic() - upAt;
  if (event.kind === 'up') {
    upAt = systemClock.monotonic();
    refusalsEnd();
    const { url, protocol, clientId, sessionPresent } = session!.status();
    log('info', 'link up', { url, protocol, clientId, sessionPresent });
  } else if (event.kind === 'session-lost') {
    const text = 'the broker has lost the session: what it held for us is gone; subscribing again';
    log('warn', text, { cause: 'session-lost', mend: MEND['session-lost'] });
  } else if (event.kind === 'subscription') {
    denied(event.name, event.code);
  } else if (event.kind === 'unanswered') {
    log('warn', 'the broker does not answer a SUBSCRIBE: it is asked again every minute', { subscription: event.name });
  } else if (event.kind === 'spared') {
    const text = 'the broker hangs up when it is to unsubscribe: it goes on sending this, and is asked again later';
    repeats.tell(
      `spared ${event.filter}`,
      (repeated) => log('warn', text, { filter: event.filter, ...repeated }),
      1,
      LONG_QUIET_MS,
    );
  } else if (event.kind === 'presence') {
    log('warn', 'the birth message or the will is not as configured', { ...event.problem });
  } else if (event.kind === 'canary') canary(event);
  else if (event.kind === 'own-topic') foreign(event.topic);
  else if (event.kind !== 'down') queueMicrotask(() => ended(event.kind, event.diagnosis)); // by then it says when it tries again
}

function denied(subscription: string, code: number | null): void {
  if (code === null) {
    const [until, cause] = [session!.status().setAside[subscription], 'subscribe-denied' as const];
    const text = 'subscription set aside: the broker hung up on it instead of answering';
    return log('warn', text, { subscription, until, cause, mend: MEND[cause] });
  }
  if (code < 0x80) return;
  const cause = causeOfRefusal('subscribe', code);
  log('warn', 'subscription denied', { subscription, code, cause, mend: MEND[cause] });
}

function canary(event: Extract<LinkEvent, { kind: 'canary' }>): void {
  if (!event.silent) return log('info', 'the canary comes back again');
  const still = 'the canary still does not come back, for another reason';
  log('warn', event.already ? still : 'the canary does not come back', { ...event.diagnosis });
}

function foreign(topic: string): void {
  const message = 'the broker sends what only the gateway tells: it is kept below $broker/, and is no event';
  const mend =
    'Another client subscribed to it in this session, or nobody did: look for the client id at the broker, and let nobody publish below $holdfast/ there.';
  repeats.tell('own-topic', (repeated) => log('warn', message, { topic, ...repeated, mend }));
}

function ended(kind: 'dropped' | 'refused', { cause, confidence, evidence, mend }: Diagnosis): void {
  const { clientId, url, sessionPresent, retryAt } = session!.status();
  const facts = { cause, confidence, evidence, mend, clientId, url, ...(retryAt === undefined ? {} : { retryAt }) };
  if (kind === 'dropped') {
    const line = { ...facts, upSeconds: Math.round(upMs / 1_000), sessionPresent };
    return repeats.tell(`dropped ${cause}`, (repeated) => log('warn', 'link dropped', { ...line, ...repeated }));
  }
  if (refusal !== cause) refusalsEnd();
  refusal = cause;
  const say = (repeated: Repeated): void => log('warn', 'connecting failed', { ...facts, ...repeated });
  repeats.tell(`refused ${cause}`, say, 1, LONG_QUIET_MS);
}

/** The next refusal is another matter. */
function refusalsEnd(): void {
  if (refusal !== undefined) repeats.end(`refused ${refusal}`);
  refusal = undefined;
}

function tell<K extends keyof LinkThreadEvents>(event: K, value: LinkThreadEvents[K]): void {
  toParent.emit(event, value);
}

beats.beatAs('link');
let asking = false;
setInterval(() => {
  if (!journal || asking) return;
  asking = true;
  journal
    .stats()
    .then(({ last, admitted }) => (facts.unadmitted = last - admitted))
    .catch(() => undefined) // it has ended, and so does the gateway
    .finally(() => (asking = false));
}, STALL_CHECK_MS).unref();
setInterval(() => {
  if (beats.delayMs('main') < ops.stallLimitMs) return;
  // The main thread cannot log this any more.
  writeSync(2, `holdfast: the main thread stood still for ${ops.stallLimitMs} ms (ops.stallLimit): ending\n`);
  process.kill(process.pid, 'SIGKILL');
}, STALL_CHECK_MS).unref();

const toParent = new Channel(parentPort!, served(calls));
const parent = remote<LinkThreadParent>(toParent);
