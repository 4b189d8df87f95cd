/**
 * The configuration in resolved form: durations in milliseconds, sizes in bytes, secrets read, defaults
 * filled in, relative paths made absolute. Plain data, so that it can be sent to any thread.
 */
import type { ContractSettings } from './contract.js';
import type { QoS } from './message.js';
import type { OutboxLimits } from './publish.js';
import type { Scope } from './scope.js';
import type { SubscriberSettings } from './subscriber.js';
import type { ParameterisedFilter } from './topic-parameters.js';

export interface Settings {
  broker: BrokerSettings;
  session: SessionSettings;
  subscriptions: SubscriptionSettings[];
  contracts: ContractSettings[];
  subscribers: SubscriberSettings[];
  registration: RegistrationSettings;
  journal: JournalSettings;
  publish: PublishSettings;
  http: HttpSettings;
  ops: OpsSettings;
  log: { level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'; format: 'auto' | 'pretty' | 'json' };
  /** Absent: nothing is traced. */
  tracing?: TracingSettings;
}

export interface TracingSettings {
  /** OTLP over HTTP, with its path. */
  endpoint: string;
  headers: { [name: string]: string };
  /** More than 0, at most 1. */
  sample: number;
  service: string;
}

export interface BrokerSettings {
  /** At least one; the link stays on one and moves on when it fails. */
  urls: string[];
  protocol: '5' | '3.1.1' | 'auto';
  username?: string;
  password?: string;
  /** PEM texts, already read from their files. */
  tls: { ca?: string; cert?: string; key?: string; serverName?: string };
  wsHeaders: { [name: string]: string };
}

/** What lets the link in. It may change while the gateway runs, and is used from the next connect on. */
export type Credentials = Pick<BrokerSettings, 'username' | 'password' | 'tls' | 'wsHeaders'>;

export interface SessionSettings {
  /** Empty: generated once and kept in the data directory. */
  clientId: string;
  /** Accept that the client id differs from the one in the data directory. */
  adopt: boolean;
  expiryMs: number;
  keepaliveMs: number;
  receiveMaximum: number;
  maxPacketBytes: number;
  /** Upper bounds of the wait before the next connect, in milliseconds. */
  reconnect: { initialMs: number; maxMs: number; refusedMs: number; conflictMs: number; bannedMs: number };
  /** Absent: no canary. */
  canary?: { topic: string; everyMs: number };
  /** What the broker publishes for the gateway when the link is gone, also after an orderly stop. */
  will?: WillSettings;
  /** Published after every accepted connect, before anything else. */
  birth?: PresenceSettings;
}

/** A message that tells others whether the gateway is there. */
export interface PresenceSettings {
  topic: string;
  payload: string;
  qos: 0 | 1;
  retain: boolean;
}

export interface WillSettings extends PresenceSettings {
  /** The broker waits this long for the link to come back. MQTT 5. */
  delaySeconds: number;
}

export interface SubscriptionSettings extends ParameterisedFilter {
  /** A metric label. */
  name: string;
  qos: QoS;
  /** Name of a contract; absent: any payload is valid. */
  contract?: string;
  /** `allow`: this filter may overlap others; the first in file order names the contract. */
  overlap: 'refuse' | 'allow';
}

export interface RegistrationSettings {
  /** Where subscribers registered over REST may be sent to: entries of an `AllowList`; empty: nowhere. */
  allow: string[];
}

export interface JournalSettings {
  directory: string;
  maxBytes: number;
  /** Settled records stay this long for replay, while there is room. */
  retentionMs: number;
  /** Dead letters and rejections stay this long. */
  failedRetentionMs: number;
  whenFull: 'hold' | 'discard-oldest-of-largest-backlog';
  /** Default: {@link outboxLimits}. */
  outbox?: OutboxLimits;
}

/** What publishes may take of a journal of so many bytes unless told otherwise: less than half, so that they leave room for what comes in. */
export function outboxLimits(maxBytes: number): OutboxLimits {
  return {
    recordsMax: 100_000,
    bytesMax: Math.floor(maxBytes / 4),
    resultsMax: Math.floor(maxBytes / 2_048),
    keyBytesMax: Math.floor(maxBytes / 8),
  };
}

export interface PublishContractSettings extends ParameterisedFilter {
  /** Name of a contract. */
  contract: string;
}

export interface PublishSettings {
  /** Topic filters REST may publish to; empty: none. */
  allow: string[];
  /** Contracts of what is published; the first in order that matches decides. Default: none. */
  contracts?: PublishContractSettings[];
  maxPayloadBytes: number;
  /** Levels of a topic. Default: {@link TOPIC_LEVELS_MAX}. */
  topicLevelsMax?: number;
  /** How long a publish waits for the broker before 202. */
  waitMs: number;
  /** How long a publish waits for what its contract says before it is refused. */
  checkWaitMs: number;
  /** Publishes on their way to the disk at once, and their payload bytes. Default: {@link PUBLISHES_IN_FLIGHT}. */
  inFlight?: { recordsMax: number; bytesMax: number };
  /** Publishes of a batch. Default: {@link PUBLISH_BATCH_MAX}. */
  batchMax?: number;
  /** Default: {@link REQUEST_DEFAULTS}. */
  request?: RequestSettings;
}

export interface RequestSettings {
  /** Answers come below it. Default: that of the client id. */
  responseTopic?: string | undefined;
  /** How long a request waits for its answer when it does not say, and at most. */
  timeoutMs: number;
  timeoutMsMax: number;
  /** Requests that wait at once. */
  waitingMax: number;
  /** Those of one token. */
  perTokenMax: number;
}

export const REQUEST_DEFAULTS: RequestSettings = {
  timeoutMs: 10_000,
  timeoutMsMax: 60_000,
  waitingMax: 1_000,
  perTokenMax: 500,
};

/** Mosquitto hangs up on a topic with more than 201. */
export const TOPIC_LEVELS_MAX = 200;
export const PUBLISH_BATCH_MAX = 1_000;
export const PUBLISHES_IN_FLIGHT = { recordsMax: 10_000, bytesMax: 32 * 1024 * 1024 };

/** What a token lets its bearer do. */
export interface TokenSettings {
  name: string;
  token: string;
  scopes: Scope[];
  /** Topic filters it may publish to, of what `publish.allow` lets in. Absent: all of it. */
  publish?: string[];
  /** Calls a second. */
  rateLimit?: { perSecond: number };
}

export interface HttpSettings {
  host: string;
  port: number;
  /** `none` must be said in words; absent is only allowed on loopback. */
  auth?: 'none' | { tokens: TokenSettings[] };
  /** Names that may stand in the `Host` header besides addresses and `localhost`; looked at without tokens, or when there are any. Lower case. */
  allowedHosts: string[];
  /** PEM texts; absent: without TLS. `clientCa`: only who has a certificate of one of these authorities may connect. */
  tls?: { cert: string; key: string; clientCa?: string };
  limits: HttpLimits;
  stream: StreamSettings;
}

export interface HttpLimits {
  /** Connections open at once. */
  connections: number;
  /** Of the head of a request. */
  headerBytes: number;
  /** For the head of a request, and for all of it. */
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  /** How long a connection may wait for its next request. */
  keepAliveMs: number;
  /** Of bodies whose requests have no whole answer; and of answers that were not taken. */
  inHandBytes: number;
  /** Who takes nothing of an answer for so long is cut off. */
  stallTimeoutMs: number;
}

export interface StreamSettings {
  /** Streams open at once, and of one token. */
  maxClients: number;
  maxPerToken: number;
  /** A client that takes nothing for so long is cut off. */
  stallTimeoutMs: number;
}

export interface OpsSettings {
  host: string;
  port: number;
  /** A main thread that stalls this long is fatal. */
  stallLimitMs: number;
  readyNeedsLink: boolean;
  /** How long stopping may take until what is in flight is left to the journal and the broker. */
  drainMs: number;
}
