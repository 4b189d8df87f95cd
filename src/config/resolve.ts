import { resolve } from 'node:path';
import type { QoS } from '../domain/message.js';
import type { OutboxLimits } from '../domain/publish.js';
import type { Scope } from '../domain/scope.js';
import {
  outboxLimits,
  type BrokerSettings,
  type Credentials,
  type HttpSettings,
  type PresenceSettings,
  type Settings,
  type SubscriptionSettings,
  type TokenSettings,
} from '../domain/settings.js';
import type { BrokerConfig } from './broker.config.js';
import type { BirthConfig } from './session.config.js';
import { SUBSCRIBER_DEFAULTS, type BatchSettings, type SubscriberSettings } from '../domain/subscriber.js';
import { contractSettings } from './contract-rules.js';
import { parseStartFrom } from './format.js';
import type { GatewayConfig } from './gateway.config.js';
import type { HttpConfig, TokenConfig } from './http.config.js';
import { parameterisedFilter } from './parameter-rules.js';
import { durationMs, sizeBytes } from './quantity.js';
import type { SubscriberAuthConfig } from './sending.config.js';
import { BatchConfig, type MaxBacklogConfig, type SubscriberConfig } from './subscriber.config.js';
import type { SubscriptionConfig } from './subscription.config.js';
import type { TracingConfig } from './tracing.config.js';
import { filterOf } from './where-rules.js';

/** Without `connectTimeout`; `timeout` when that is shorter. */
const CONNECT_MS = SUBSCRIBER_DEFAULTS.connectTimeoutMs;

/** PEM texts. */
export interface Certificates {
  broker: BrokerSettings['tls'];
  subscribers: SubscriberSettings['tls'][];
  http: HttpSettings['tls'];
}

/** A configuration without problems as settings. `directory` is what relative paths are relative to. */
export function resolveSettings(config: GatewayConfig, certificates: Certificates, directory: string): Settings {
  const { broker, session, journal, publish, ops, log } = config;
  return {
    broker: {
      urls: broker.urls ?? [broker.url!],
      protocol: broker.protocol as BrokerSettings['protocol'],
      ...credentialsOf(broker, certificates.broker),
    },
    session: {
      clientId: session.clientId,
      adopt: session.adopt,
      expiryMs: ms(session.expiry),
      keepaliveMs: ms(session.keepalive),
      receiveMaximum: session.receiveMaximum,
      maxPacketBytes: bytes(session.maxPacket),
      reconnect: {
        initialMs: ms(session.reconnect.initial),
        maxMs: ms(session.reconnect.max),
        refusedMs: ms(session.reconnect.refused),
        conflictMs: ms(session.reconnect.conflict),
        bannedMs: ms(session.reconnect.banned),
      },
      canary: session.canary && { topic: session.canary.topic, everyMs: ms(session.canary.every) },
      ...(session.will
        ? { will: { ...presenceSettings(session.will), delaySeconds: ms(session.will.delay) / 1_000 } }
        : {}),
      ...(session.birth ? { birth: presenceSettings(session.birth) } : {}),
    },
    subscriptions: config.subscriptions.map(subscriptionSettings),
    contracts: [...config.contracts].map(([name, contract]) => contractSettings(name, contract, directory)),
    subscribers: config.subscribers.map((one, i) => subscriberSettings(one, certificates.subscribers[i])),
    registration: { allow: config.registration.allow },
    journal: {
      directory: resolve(directory, journal.directory),
      maxBytes: bytes(journal.maxSize),
      retentionMs: ms(journal.retention),
      failedRetentionMs: ms(journal.failedRetention),
      whenFull: journal.whenFull as Settings['journal']['whenFull'],
      outbox: outboxSettings(config),
    },
    publish: {
      allow: publish.allow,
      contracts: publish.contracts.map((one) => ({ ...parameterisedFilter(one), contract: one.contract })),
      maxPayloadBytes: bytes(publish.maxPayload),
      topicLevelsMax: publish.maxTopicLevels,
      waitMs: ms(publish.wait),
      checkWaitMs: ms(publish.checkWait),
      // A larger one would find no room in the outbox, ever.
      batchMax: Math.min(publish.maxBatch, publish.outbox.maxRecords),
      request: {
        responseTopic: publish.request.responseTopic,
        timeoutMs: ms(publish.request.timeout),
        timeoutMsMax: ms(publish.request.maxTimeout),
        waitingMax: publish.request.maxWaiting,
        perTokenMax: publish.request.maxPerToken ?? Math.ceil(publish.request.maxWaiting / 2),
      },
      inFlight: { recordsMax: publish.inFlight.maxRecords, bytesMax: bytes(publish.inFlight.maxBytes) },
    },
    http: httpSettings(config.http, certificates.http),
    ops: {
      host: bare(ops.host),
      port: ops.port,
      stallLimitMs: ms(ops.stallLimit),
      readyNeedsLink: ops.readyNeedsLink,
      drainMs: ms(ops.drain),
    },
    log: { level: log.level as Settings['log']['level'], format: log.format as Settings['log']['format'] },
    ...tracingSettings(config.tracing),
  };
}

function tracingSettings({ endpoint, headers, sample, service }: TracingConfig): Pick<Settings, 'tracing'> {
  if (endpoint === undefined || sample === 0) return {};
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return { tracing: { endpoint: url.href, headers: Object.fromEntries(headers), sample, service } };
}

function subscriptionSettings(config: SubscriptionConfig): SubscriptionSettings {
  const { name, filter, qos, contract, overlap } = config;
  return {
    name: name ?? filter,
    ...parameterisedFilter(config),
    qos: qos as QoS,
    contract,
    overlap: overlap as 'refuse' | 'allow',
  };
}

export function outboxSettings({ journal, publish }: GatewayConfig): OutboxLimits {
  const { maxRecords, maxBytes, maxResults, maxKeyBytes } = publish.outbox;
  const usual = outboxLimits(bytes(journal.maxSize));
  return {
    recordsMax: maxRecords,
    bytesMax: maxBytes === undefined ? usual.bytesMax : bytes(maxBytes),
    resultsMax: maxResults ?? usual.resultsMax,
    keyBytesMax: maxKeyBytes === undefined ? usual.keyBytesMax : bytes(maxKeyBytes),
  };
}

export function credentialsOf(broker: BrokerConfig, tls: BrokerSettings['tls']): Credentials {
  const { username, password, wsHeaders } = broker;
  return {
    username: username || undefined,
    password: password || undefined,
    tls,
    wsHeaders: Object.fromEntries(wsHeaders),
  };
}

function presenceSettings({ topic, payload, qos, retain }: BirthConfig): PresenceSettings {
  return { topic, payload, qos: qos as 0 | 1, retain };
}

export function subscriberSettings(config: SubscriberConfig, tls: SubscriberSettings['tls']): SubscriberSettings {
  const { key, rateLimit, maxBacklog } = config;
  const where = filterOf(config.where);
  const timeoutMs = ms(config.timeout);
  return {
    id: config.id,
    url: config.url,
    topics: config.topics,
    startFrom: parseStartFrom(config.startFrom)!,
    format: config.format as SubscriberSettings['format'],
    payload: config.payload as SubscriberSettings['payload'],
    answers: config.answers as SubscriberSettings['answers'],
    ordering: config.ordering as SubscriberSettings['ordering'],
    ...(where && { where }),
    ...(key !== undefined && { key }),
    ...(rateLimit && { rateLimit: { perSecond: rateLimit.perSecond } }),
    ...(maxBacklog && { maxBacklog: backlogBound(maxBacklog) }),
    ...(config.format === 'cloudevents-batch' && { batch: batchSettings(config.batch ?? new BatchConfig()) }),
    concurrency: config.concurrency,
    timeoutMs,
    connectTimeoutMs: config.connectTimeout === undefined ? Math.min(CONNECT_MS, timeoutMs) : ms(config.connectTimeout),
    headersTimeoutMs: config.headersTimeout === undefined ? timeoutMs : ms(config.headersTimeout),
    retry: { scheduleMs: config.retry.schedule.map(ms), maxAgeMs: ms(config.retry.maxAge) },
    breaker: { failures: config.breaker.failures, openForMs: ms(config.breaker.openFor) },
    signing: { secrets: config.signing.secrets },
    headers: Object.fromEntries(config.headers),
    ...(config.auth ? { auth: authSettings(config.auth) } : {}),
    ...(tls ? { tls } : {}),
    reply: config.reply,
  };
}

function backlogBound({ records, bytes: size }: MaxBacklogConfig): SubscriberSettings['maxBacklog'] {
  return { ...(records !== undefined && { records }), ...(size !== undefined && { bytes: bytes(size) }) };
}

function batchSettings({ maxMessages, maxBytes, maxWait }: BatchConfig): BatchSettings {
  return { maxMessages, maxBytes: bytes(maxBytes), maxWaitMs: ms(maxWait) };
}

/** Exactly one of the two is there. */
function authSettings({ bearer, basic }: SubscriberAuthConfig): NonNullable<SubscriberSettings['auth']> {
  if (!basic) return { bearer: bearer! };
  return { basic: { username: basic.username, password: basic.password } };
}

function httpSettings(
  { host: written, port, auth, limits, stream, ...config }: HttpConfig,
  tls: HttpSettings['tls'],
): HttpSettings {
  const host = bare(written);
  return {
    host,
    port,
    auth: typeof auth === 'object' ? { tokens: auth.tokens.map(tokenSettings) } : auth,
    allowedHosts: config.allowedHosts.map((name) => name.toLowerCase()),
    ...(tls ? { tls } : {}),
    limits: {
      connections: limits.connections,
      headerBytes: bytes(limits.headers),
      headersTimeoutMs: ms(limits.headersTimeout),
      requestTimeoutMs: ms(limits.requestTimeout),
      keepAliveMs: ms(limits.keepAlive),
      inHandBytes: bytes(limits.inHand),
      stallTimeoutMs: ms(limits.stallTimeout),
    },
    stream: {
      maxClients: stream.maxClients,
      maxPerToken: stream.maxPerToken,
      stallTimeoutMs: ms(stream.stallTimeout),
    },
  };
}

function tokenSettings({ name, token, scopes, publish, rateLimit }: TokenConfig): TokenSettings {
  return {
    ...{ name, token, scopes: scopes as Scope[] },
    ...(publish ? { publish } : {}),
    ...(rateLimit ? { rateLimit: { perSecond: rateLimit.perSecond } } : {}),
  };
}

/** Brackets around an IPv6 address belong to URLs; the system does not know them. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function ms(text: string): number {
  return durationMs(text)!;
}

function bytes(text: string): number {
  return sizeBytes(text)!;
}
