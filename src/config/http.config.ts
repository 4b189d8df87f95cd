import { PUBLISH_BATCH_MAX, PUBLISHES_IN_FLIGHT, REQUEST_DEFAULTS, TOPIC_LEVELS_MAX } from '../domain/settings.js';
import { Optional, Required } from './field.js';
import { bearerToken, filePath, identifier, topicFilter, topicName } from './format.js';
import { parameters, type ParameterConfig } from './parameter.config.js';
import { decimal, duration, flag, size, text, whole, words } from './scalar.js';
import { either, list, object } from './shape.js';

const host = text({ max: 253, mend: 'Write an address to listen on, such as 127.0.0.1 or 0.0.0.0.' });
const hostName = text({
  max: 253,
  check: (name) => (/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name) ? undefined : 'is not a host name'),
  mend: 'Write a name without a port, such as holdfast.apps.svc.',
});

export class PublishContractConfig {
  /** Topics it is for; `{name}` is a `+` with a name. */
  @Required(topicFilter({ named: true }), 'filter: commands/+/set')
  filter!: string;

  /** What the `{name}` levels of the filter must be, by name. */
  @Optional(parameters)
  parameters = new Map<string, ParameterConfig>();

  /** Name of the contract that payloads must meet. */
  @Required(text({ max: 63, mend: 'Write the name of one of the contracts.' }), 'contract: command')
  contract!: string;
}

export class InFlightConfig {
  /** Publishes on their way to the disk at once, 1 to 1000000; one more is answered 429. Default 10000. */
  @Optional(whole(1, 1_000_000))
  maxRecords = PUBLISHES_IN_FLIGHT.recordsMax;

  /** Their payloads, 1B to 4GiB; a larger one goes alone. Default 32MiB. */
  @Optional(size('1B', '4GiB'))
  maxBytes = '32MiB';
}

export class OutboxConfig {
  /** Publishes that may wait for the broker at once, 1 to 10000000; one more is answered 503. Default 100000. */
  @Optional(whole(1, 10_000_000))
  maxRecords = 100_000;

  /** What they may take, 4KiB to 8TiB. Default: a quarter of journal.maxSize. */
  @Optional(size('4KiB', '8TiB'))
  maxBytes?: string;

  /** Results that are kept, at most for 24 hours, 0 to 1000000000. Default: one for every 2KiB of journal.maxSize. */
  @Optional(whole(0, 1_000_000_000))
  maxResults?: number;

  /** What idempotency keys may take, 0B to 8TiB. Default: an eighth of journal.maxSize. */
  @Optional(size('0B', '8TiB'))
  maxKeyBytes?: string;
}

export class RequestConfig {
  /** Answers come below it; the broker must let the gateway subscribe there. Default: holdfast/responses/<client id>. */
  @Optional(topicName)
  responseTopic?: string;

  /** How long a request waits for its answer when it does not say so, 100ms to 10m. Default 10s. */
  @Optional(duration('100ms', '10m'))
  timeout = '10s';

  /** The longest it may ask for, 100ms to 10m. Default 60s. */
  @Optional(duration('100ms', '10m'))
  maxTimeout = '60s';

  /** Requests that wait at once, 0 to 100000; one more is answered 429. Default 1000. */
  @Optional(whole(0, 100_000))
  maxWaiting = REQUEST_DEFAULTS.waitingMax;

  /** Those of one token, 0 to 100000; one more is answered 429. Without tokens there is no such limit. Default: half of maxWaiting. */
  @Optional(whole(0, 100_000))
  maxPerToken?: number;
}

export class PublishConfig {
  /** Topic filters REST may publish to, up to 1000. Default: none. */
  @Optional(list(topicFilter(), { max: 1_000 }))
  allow: string[] = [];

  /** Contracts of what is published, up to 1000; the first filter in file order that matches decides. Default: none. */
  @Optional(list(object(PublishContractConfig), { max: 1_000 }))
  contracts: PublishContractConfig[] = [];

  /** Largest payload REST accepts, 1B to 256MiB. Default 256KiB. */
  @Optional(size('1B', '256MiB'))
  maxPayload = '256KiB';

  /** Most levels of a topic, which is one more than it has slashes, 1 to 65536: some brokers hang up on more. Default 200. */
  @Optional(whole(1, 65_536))
  maxTopicLevels = TOPIC_LEVELS_MAX;

  /** How long a publish waits for the broker before it is answered 202, 0s to 5m. Default 5s. */
  @Optional(duration('0s', '5m'))
  wait = '5s';

  /** How long a publish waits for what its contract says before it is refused with 503, 100ms to 5m. Default 5s. */
  @Optional(duration('100ms', '5m'))
  checkWait = '5s';

  /** Most publishes of one batch, 1 to 100000. Default 1000. */
  @Optional(whole(1, 100_000))
  maxBatch = PUBLISH_BATCH_MAX;

  /** What may be on its way to the disk. */
  @Optional(object(InFlightConfig))
  inFlight = new InFlightConfig();

  /** What may wait for the broker, and what is remembered of it. */
  @Optional(object(OutboxConfig))
  outbox = new OutboxConfig();

  /** POST /v1/request. */
  @Optional(object(RequestConfig))
  request = new RequestConfig();
}

export class CallLimitConfig {
  /** Calls a second, 0.001 to 100000. Up to one second's worth may come at once. */
  @Required(decimal(0.001, 100_000), 'perSecond: 100')
  perSecond!: number;
}

export class TokenConfig {
  /** Who it is for, unique; shown in logs instead of the token. */
  @Required(identifier, 'name: app')
  name!: string;

  /** What `Authorization: Bearer` must carry. */
  @Required(bearerToken, 'token: ${file:/run/secrets/app-token}')
  token!: string;

  /** What it may do: publish, read, admin. */
  @Required(list(words('publish', 'read', 'admin'), { min: 1, max: 3 }), 'scopes: [publish, read]')
  scopes!: string[];

  /** Topic filters it may publish to, of what `publish.allow` lets in, up to 1000. Default: all of it. */
  @Optional(list(topicFilter(), { max: 1_000 }))
  publish?: string[];

  /** How often it may call. Default: as often as it is answered. */
  @Optional(object(CallLimitConfig))
  rateLimit?: CallLimitConfig;
}

export class AuthConfig {
  /** Who may call REST, 1 to 100. */
  @Required(list({ kind: 'object', type: TokenConfig }, { min: 1, max: 100 }), 'tokens: [{ name, token, scopes }]')
  tokens!: TokenConfig[];
}

export class ListenerTlsConfig {
  /** PEM file of the server's certificate, with those between it and its authority. */
  @Required(filePath, 'certFile: tls.pem')
  certFile!: string;

  /** PEM file of the certificate's private key, without a passphrase. */
  @Required(filePath, 'keyFile: tls.key')
  keyFile!: string;

  /** PEM file of authorities: only who has a certificate of one of them may connect. Default: anybody may. */
  @Optional(filePath)
  clientCaFile?: string;
}

export class LimitsConfig {
  /** Connections open at once, 10 to 100000. One more closes the oldest that has made no call that was let in. Default 1000. */
  @Optional(whole(10, 100_000))
  connections = 1_000;

  /** Largest head of a request, 4KiB to 256KiB. Default 16KiB. */
  @Optional(size('4KiB', '256KiB'))
  headers = '16KiB';

  /** Time for the head of a request, 1s to 5m. Default 10s. */
  @Optional(duration('1s', '5m'))
  headersTimeout = '10s';

  /** Time for a whole request, its body included, `headersTimeout` to 1h. Its answer may take longer. Default 1m. */
  @Optional(duration('1s', '1h'))
  requestTimeout = '1m';

  /** How long a connection may wait for its next request, 1s to 1h. Default 72s: longer than load balancers do. */
  @Optional(duration('1s', '1h'))
  keepAlive = '72s';

  /**
   * Bodies of calls without an answer, 1MiB to 64GiB; a larger one goes alone, any other is answered 503. And as much of
   * answers that nobody has taken; beyond it the connection that is owed most is closed. Default 32MiB.
   */
  @Optional(size('1MiB', '64GiB'))
  inHand = '32MiB';

  /** Who takes nothing of an answer for so long is cut off, 1s to 1h. Default 1m. */
  @Optional(duration('1s', '1h'))
  stallTimeout = '1m';
}

export class StreamConfig {
  /** Streams (`GET /v1/stream`) open at once, 0 to 1000; one more is refused. Default 20. */
  @Optional(whole(0, 1_000))
  maxClients = 20;

  /** Streams open at once with one token, 1 to 1000. Default 10. */
  @Optional(whole(1, 1_000))
  maxPerToken = 10;

  /** A client that takes nothing of what it is sent for so long is cut off, 1s to 1h. Default 1m. */
  @Optional(duration('1s', '1h'))
  stallTimeout = '1m';
}

export class HttpConfig {
  /** Address REST listens on. Default 127.0.0.1. */
  @Optional(host)
  host = '127.0.0.1';

  /** Port, 0 to 65535; 0: any free one. Default 8080. */
  @Optional(whole(0, 65_535))
  port = 8_080;

  /** Tokens, or `none` in words. Only a loopback host may leave it out. */
  @Optional(either('none', AuthConfig))
  auth?: 'none' | AuthConfig;

  /**
   * Names the gateway may be called by, up to 100, besides addresses, `localhost` and `host`: without tokens, and when
   * there are any. Default: none.
   */
  @Optional(list(hostName, { max: 100 }))
  allowedHosts: string[] = [];

  /** HTTPS instead of HTTP. Default: HTTP. */
  @Optional(object(ListenerTlsConfig))
  tls?: ListenerTlsConfig;

  /** What one caller may take. */
  @Optional(object(LimitsConfig))
  limits = new LimitsConfig();

  /** Server-Sent Events. */
  @Optional(object(StreamConfig))
  stream = new StreamConfig();
}

export class OpsConfig {
  /** Address that metrics and probes listen on. Default 0.0.0.0. */
  @Optional(host)
  host = '0.0.0.0';

  /** Port, 0 to 65535; 0: any free one. Default 9090. */
  @Optional(whole(0, 65_535))
  port = 9_090;

  /** A main thread that stalls this long ends the process, 1s to 24h. Default 10m. */
  @Optional(duration('1s', '24h'))
  stallLimit = '10m';

  /** true: `/readyz` fails while the link is down. Default false: queueing is what the gateway is for. */
  @Optional(flag)
  readyNeedsLink = false;

  /** How long SIGTERM waits for what is in flight, 100ms to 1h. A pod's grace period must be longer. Default 20s. */
  @Optional(duration('100ms', '1h'))
  drain = '20s';
}
