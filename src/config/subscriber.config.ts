import { Optional, Required } from './field.js';
import {
  address,
  headerName,
  headerValue,
  identifier,
  jsonPointer,
  signingSecret,
  startFrom,
  topicFilter,
} from './format.js';
import { decimal, duration, flag, size, whole, words } from './scalar.js';
import { SubscriberAuthConfig } from './sending.config.js';
import { list, map, object } from './shape.js';
import { TlsConfig } from './tls.config.js';
import { WhereConfig } from './where.config.js';

const DELIVERY_HEADERS =
  /^(host|connection|keep-alive|upgrade|te|trailer|expect|content-length|transfer-encoding|webhook-.*|ce-.*|mqtt-.*|holdfast-.*)$/i;

export class RetryConfig {
  /** Waits before the second, third, … attempt, up to 32, each 1ms to 7d. After the last one a dead letter. Default 1s 5s 30s 2m 10m 1h. */
  @Optional(list(duration('1ms', '7d'), { max: 32 }))
  schedule = ['1s', '5s', '30s', '2m', '10m', '1h'];

  /**
   * A record that fails, or waits for a subscriber that takes nothing, this long after it was received becomes a dead
   * letter, 100ms to 365d. Default 72h.
   */
  @Optional(duration('100ms', '365d'))
  maxAge = '72h';
}

export class BreakerConfig {
  /** Failures in a row that open the breaker, 1 to 1000. Default 10. */
  @Optional(whole(1, 1_000))
  failures = 10;

  /** How long nothing is sent once it is open, 10ms to 24h. Default 30s. */
  @Optional(duration('10ms', '24h'))
  openFor = '30s';
}

export class SigningConfig {
  /** Standard Webhooks secrets, up to 8: `whsec_` and 24 to 64 bytes in base64. One signature each. Default: none. */
  @Optional(list(signingSecret, { max: 8 }))
  secrets: string[] = [];
}

export class RateLimitConfig {
  /** Attempts a second, retries included, 0.001 to 100000; a batch is one. Up to one second's worth may come at once. */
  @Required(decimal(0.001, 100_000), 'perSecond: 500')
  perSecond!: number;
}

export class MaxBacklogConfig {
  /** Records, 1 to 1000000000. Default: no bound. */
  @Optional(whole(1, 1_000_000_000))
  records?: number;

  /** Bytes of payload, 1KiB to 16TiB. Default: no bound. */
  @Optional(size('1KiB', '16TiB'))
  bytes?: string;
}

export class BatchConfig {
  /** Records in one request, 1 to 1000. Default 100. */
  @Optional(whole(1, 1_000))
  maxMessages = 100;

  /** Payload in one request, 1KiB to 64MiB; one larger record goes alone. Default 1MiB. */
  @Optional(size('1KiB', '64MiB'))
  maxBytes = '1MiB';

  /** How long a record waits for others, up to 10s. Default 50ms. */
  @Optional(duration('0ms', '10s'))
  maxWait = '50ms';
}

export class SubscriberConfig {
  /** Its identity, unique: backlog and dead letters belong to it. */
  @Required(identifier, 'id: billing')
  id!: string;

  /** Where records are POSTed: http or https. */
  @Required(address(['http', 'https'], 'http://localhost:3000/events', 'use auth'), 'url: http://localhost:3000/events')
  url!: string;

  /** Topic filters, 1 to 100; a record that matches several is still one delivery. */
  @Required(list(topicFilter({ own: true }), { min: 1, max: 100 }), 'topics: [devices/+/telemetry]')
  topics!: string[];

  /** Content filter over topic, user properties and payload. Default: every record of the topics. */
  @Optional(object(WhereConfig))
  where?: WhereConfig;

  /** Where it starts when it is new: now, earliest, a position, or a time such as 2026-01-31T12:00:00Z. Default now. */
  @Optional(startFrom)
  startFrom = 'now';

  /**
   * `cloudevents`: CloudEvents 1.0 headers, the payload as body; `cloudevents-structured`: one JSON event;
   * `cloudevents-batch`: up to `batch.maxMessages` of them as an array; `raw`: as the first, without its headers. Default
   * cloudevents.
   */
  @Optional(words('cloudevents', 'cloudevents-structured', 'cloudevents-batch', 'raw'))
  format = 'cloudevents';

  /**
   * `original`: the payload's bytes as they came; `json`: the value that the contract's format makes of them, as JSON. JSON
   * stays as it came, byte for byte. Default original.
   */
  @Optional(words('original', 'json'))
  payload = 'original';

  /** `status`: any 2xx is success; `dapr`: its body may say `{"status": "SUCCESS|RETRY|DROP"}`. Default status. */
  @Optional(words('status', 'dapr'))
  answers = 'status';

  /** `topic`: a failing record holds back later ones of its topic; `key`: of its `key`. Default none. */
  @Optional(words('none', 'topic', 'key'))
  ordering = 'none';

  /** With `ordering: key`: JSON pointer to a text, number or flag in the payload. A record without it has its topic as key. */
  @Optional(jsonPointer)
  key?: string;

  /** Attempts in flight at once, 1 to 1000. Default 16. */
  @Optional(whole(1, 1_000))
  concurrency = 16;

  /** Time for a whole attempt, 10ms to 10m. Default 15s. */
  @Optional(duration('10ms', '10m'))
  timeout = '15s';

  /** Time until a connection is there, TLS included, 10ms to `timeout`. Default 5s, or `timeout` when that is shorter. */
  @Optional(duration('10ms', '10m'))
  connectTimeout?: string;

  /** Time from the start of an attempt to the head of the answer, 10ms to `timeout`. Default: `timeout`. */
  @Optional(duration('10ms', '10m'))
  headersTimeout?: string;

  /** How often it is sent to. Default: as often as it answers. */
  @Optional(object(RateLimitConfig))
  rateLimit?: RateLimitConfig;

  /** What may be undelivered. Beyond it the oldest records are given up, and said so. Default: no bound. */
  @Optional(object(MaxBacklogConfig))
  maxBacklog?: MaxBacklogConfig;

  /** With `format: cloudevents-batch`: how much goes together. */
  @Optional(object(BatchConfig))
  batch?: BatchConfig;

  /** What happens to a record that fails. */
  @Optional(object(RetryConfig))
  retry = new RetryConfig();

  /** What happens when everything fails. */
  @Optional(object(BreakerConfig))
  breaker = new BreakerConfig();

  /** Signatures that prove the gateway sent it. */
  @Optional(object(SigningConfig))
  signing = new SigningConfig();

  /** Headers sent with every attempt, at most 32. Default: none. */
  @Optional(map(headerValue, 32, headerName(DELIVERY_HEADERS)))
  headers = new Map<string, string>();

  /** What the `authorization` header is made of. Default: none. */
  @Optional(object(SubscriberAuthConfig))
  auth?: SubscriberAuthConfig;

  /** Used with https. Files are read at the start. */
  @Optional(object(TlsConfig))
  tls?: TlsConfig;

  /** true: a 200 with a body is published to the response topic of the message, where it has one and `publish.allow` has it. Default false. */
  @Optional(flag)
  reply = false;
}
