/** Ties delivery, its senders and the registry of subscribers together. */
import { lookup } from 'node:dns/promises';
import type { Logger } from 'pino';
import { parseSubscriber } from './config/index.js';
import type { Activities, Incidents } from './console/index.js';
import {
  DecodingSender,
  Delivery,
  HttpSender,
  type HttpSenderOptions,
  type JsonOf,
  SharedConnections,
} from './delivery/index.js';
import type { Sender } from './domain/attempt.js';
import { AllowList, destinationOf } from './domain/allow-list.js';
import { canonicalAddress } from './domain/address.js';
import { systemClock } from './domain/clock.js';
import { HoldfastError } from './domain/errors.js';
import type { Journal } from './domain/journal.js';
import type { DecodePayload, IsForeign, Ways } from './domain/payload-json.js';
import type { Record } from './domain/record.js';
import type { Settings } from './domain/settings.js';
import type { SubscriberSettings } from './domain/subscriber.js';
import type { ParametersOf } from './domain/topic-parameters.js';
import { uuid7, uuidText } from './domain/uuid.js';
import type { HandlerSubscriber } from './handlers/index.js';
import type { SqliteJournalReader } from './journal/index.js';
import { TracingSender, type DeliveryMetrics, type Tracing } from './ops/index.js';
import { ReplyingSender, type Publisher } from './publish/index.js';
import { Registry, type RegistryObserver, type TestResult } from './registration/index.js';
import type { Recipients } from './records/index.js';
import { deliveryObserver, type TellingParts } from './telling.js';
import { WatchedSender, watchedObserver } from './watched-delivery.js';

/** How long a registration waits for the name in its URL. */
const LOOKUP_MS_MAX = 2_000;
const TEST_TOPIC = 'holdfast/test';

export interface ServingParts extends TellingParts {
  metrics: DeliveryMetrics;
  activities: Activities;
  incidents: Incidents;
  logger: Logger;
  settings: Pick<Settings, 'subscribers' | 'registration' | 'publish'>;
  handlers: readonly HandlerSubscriber[];
  version: string;
  journal: Journal;
  reader: SqliteJournalReader;
  publisher: Publisher;
  /** Whether there is room for the events of what expires. */
  mayTell: () => boolean;
  /** Undefined: nothing is traced. */
  tracing: Tracing | undefined;
  /** For subscribers with `payload: json`. */
  jsonOf: JsonOf;
  parametersOf: ParametersOf;
  /** For filters and keys that look into payloads. */
  decode: DecodePayload;
  /** Those that `decode` goes by now. */
  ways: () => Ways;
  isForeign: IsForeign;
}

/** Delivery, running, and who may change whom it serves. */
export async function startServing(parts: ServingParts): Promise<{ delivery: Delivery; registry: Registry }> {
  const { settings, handlers, version, journal, reader, parametersOf, logger, decode, ways, isForeign, mayTell } =
    parts;
  const allow = new AllowList(settings.registration.allow);
  const trusted: HttpSenderOptions = {
    source: `urn:uuid:${reader.journalId}`,
    userAgent: `holdfast/${version}`,
    clock: systemClock,
    replyBytesMax: settings.publish.maxPayloadBytes,
    connections: new SharedConnections(),
  };
  const guarded: HttpSenderOptions = { ...trusted, guard: { allow }, connections: new SharedConnections() };
  const trustedSenderOf = (one: SubscriberSettings): Sender => outfitted(one, new HttpSender(one, trusted), parts);
  const gone = (subscriber: string, why: string): void => registry.gone(subscriber, why);
  const observer = watchedObserver(deliveryObserver(parts, gone), parts.activities);
  const delivery = new Delivery({
    ...{ journal, reader, observer, parametersOf, decode, ways, isForeign, mayTell },
    clock: systemClock,
    random: Math.random,
  });
  const registry = new Registry({
    journal,
    reader,
    delivery,
    clock: systemClock,
    parametersOf,
    decode,
    isForeign,
    parse: parseSubscriber,
    senderOf: (one) => outfitted(one, new HttpSender(one, guarded), parts),
    trustedSenderOf,
    refusal: (url) => refusalOf(url, allow),
    test: (one, isTrusted) => testOf(one, isTrusted ? trusted : guarded),
    observer: registryObserver(parts),
  });
  const configured = [
    ...settings.subscribers.map((one) => ({
      settings: one,
      sender: trustedSenderOf(one),
      source: 'file' as const,
    })),
    ...handlers.map(({ settings: one, sender }) => ({
      settings: one,
      sender: outfitted(one, sender, parts),
      source: 'handler' as const,
    })),
  ];
  await registry.start(configured);
  logger.debug({ subscribers: delivery.status().length }, 'delivery started');
  return { delivery, registry };
}

/** Delivery as far as something is given again: of a subscriber that nobody serves any more, nothing is. */
export function recipientsOf(delivery: Delivery, registry: Registry): Recipients {
  return {
    regards: (subscriber, record) => (registry.isServed(subscriber) ? delivery.regards(subscriber, record) : undefined),
    roomForReplay: (subscriber) => delivery.roomForReplay(subscriber),
    revived: (rows) => delivery.revived(rows),
    settled: async (subscriber) => {
      registry.mustBeServed(subscriber);
      await delivery.settled(subscriber);
    },
    replay: (replay) => delivery.replay(replay),
    endReplays: (subscriber) => delivery.endReplays(subscriber),
  };
}

/** Stops delivery, and says what is waited for: until the deadline nothing else is to be seen. */
export async function stopServing(
  delivery: Pick<Delivery, 'inFlight' | 'stop'>,
  deadlineMs: number,
  logger: Pick<Logger, 'info' | 'warn'>,
): Promise<void> {
  const attempts = delivery.inFlight;
  const started = performance.now();
  if (attempts > 0) logger.info({ attempts, atMostMs: Math.round(deadlineMs) }, 'waiting for attempts in flight');
  const unfinished = await delivery.stop(deadlineMs);
  if (attempts === 0) return;
  const fields = { finished: attempts - unfinished, unfinished, tookMs: Math.round(performance.now() - started) };
  if (unfinished === 0) logger.info(fields, 'attempts in flight have finished');
  else logger.warn(fields, 'attempts in flight were ended; they are made again at the next start, under the same ids');
}

/** A sender whose attempts are seen, with what its subscriber asks for besides. */
function outfitted(settings: SubscriberSettings, plain: Sender, parts: ServingParts): Sender {
  const sender = equipped(settings, plain, parts);
  return new WatchedSender(sender, (record, outcome) => parts.activities.answered(settings.id, record, outcome));
}

/** Payloads as JSON, answers that are published. */
function equipped(
  { id: subscriber, reply, payload }: SubscriberSettings,
  plain: Sender,
  { publisher, jsonOf, metrics, logger, tracing }: ServingParts,
): Sender {
  const seen = tracing ? new TracingSender(plain, subscriber, tracing) : plain;
  const sender = payload === 'json' ? new DecodingSender(seen, jsonOf) : seen;
  if (!reply) return sender;
  return new ReplyingSender(sender, publisher, {
    counted: (outcome) => metrics.reply(outcome),
    refused: (code, message) => logger.warn({ subscriber, code, problem: message }, 'a reply is not published'),
  });
}

/** Why no subscriber may be registered with this URL, as far as DNS can say now; each connection is checked again. */
async function refusalOf(url: URL, allow: AllowList): Promise<string | undefined> {
  const destination = destinationOf(url);
  const { host, port } = destination;
  if (canonicalAddress(host) !== undefined) return allow.refusal(destination, host);
  const named = allow.allowsName(destination);
  if (!named && !allow.hasNetworks) return `${host} is not in registration.allow, with port ${port}`;
  const addresses = await addressesOf(host);
  if (addresses.length === 0 && !named) return `${host} is not in registration.allow, and its address is not known`;
  return addresses.map((address) => allow.refusal(destination, address)).find((why) => why !== undefined);
}

/** None when the name cannot be resolved now. */
async function addressesOf(host: string): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<[]>((resolve) => (timer = setTimeout(resolve, LOOKUP_MS_MAX, [])));
  const found = lookup(host, { all: true }).catch(() => []);
  const addresses = await Promise.race([found, late]);
  clearTimeout(timer);
  return addresses.map(({ address }) => address);
}

/** One synthetic event over a connection of its own: no backlog, metric or breaker knows of it. */
async function testOf(settings: SubscriberSettings, sending: HttpSenderOptions): Promise<TestResult> {
  const now = systemClock.now();
  const record: Record = {
    position: 0,
    id: uuidText(uuid7(now)),
    topic: TEST_TOPIC,
    qos: 1,
    retain: false,
    receivedAt: now,
    payload: Buffer.from(JSON.stringify({ test: true, subscriber: settings.id })),
    properties: { contentType: 'application/json' },
  };
  let status = 0;
  const answered = (said: number): void => void (status = said);
  const sender = new HttpSender(
    { ...settings, concurrency: 1 },
    { ...sending, connections: undefined, type: 'holdfast.test', answered },
  );
  const started = performance.now();
  const context = { attempt: 1, replay: false };
  const outcome = await (settings.batch ? sender.sendBatch([record], context) : sender.send(record, context));
  const durationMs = Math.round(performance.now() - started);
  void sender.close();
  return {
    id: record.id,
    outcome: outcome.kind,
    status,
    durationMs,
    reason: 'reason' in outcome ? outcome.reason : outcome.kind === 'gone' ? 'status' : '',
    detail: 'detail' in outcome ? outcome.detail : '',
  };
}

function registryObserver({ metrics, incidents, logger }: ServingParts): RegistryObserver {
  return {
    added: (subscriber) => metrics.added(subscriber),
    removed: (subscriber) => metrics.removed(subscriber),
    changed: (subscriber, what) => logger.info({ subscriber }, `a subscriber was ${what} over REST`),
    discarded: (subscriber, records) => {
      incidents.discarded(subscriber, 'asked', records);
      logger.warn({ subscriber, records }, 'records of a backlog were given up, as discardBacklog asked');
    },
    passedOver: (subscriber, records) => {
      incidents.discarded(subscriber, 'asked', records);
      logger.warn({ subscriber, records }, 'records of a backlog are given up: the configuration asks for less now');
    },
    replaysEnded: (subscriber, count) =>
      logger.warn({ subscriber, count }, 'replays of a subscriber that was removed have ended'),
    impaired: (subscriber, why) => logger.warn({ subscriber, why }, 'a subscriber is not served as it should be'),
    saveFailed: (subscriber, error) => {
      const code = error instanceof HoldfastError ? error.code : undefined;
      logger.error({ subscriber, code, err: error }, 'that a subscriber is gone could not be saved');
    },
  };
}
