import { Optional, Required } from './field.js';
import { presencePayload, topicName } from './format.js';
import { duration, flag, size, text, whole } from './scalar.js';
import { object } from './shape.js';

export class ReconnectConfig {
  /** Upper bound of the first wait after a drop, 10ms to 5m. Doubles with each failure; the wait is random below it. Default 500ms. */
  @Optional(duration('10ms', '5m'))
  initial = '500ms';

  /** No wait is longer, 10ms to 1h. Default 30s. */
  @Optional(duration('10ms', '1h'))
  max = '30s';

  /** Upper bound after the broker refused the login, 1s to 24h. Default 30s. */
  @Optional(duration('1s', '24h'))
  refused = '30s';

  /** Longest hold-off when another client uses the client id, 1s to 60s. Default 60s. */
  @Optional(duration('1s', '60s'))
  conflict = '60s';

  /** Wait after the broker banned the client: longer than its ban, 1s to 24h. Default 5m. */
  @Optional(duration('1s', '24h'))
  banned = '5m';
}

export class CanaryConfig {
  /** Topic of the gateway's own, which it may publish and subscribe to. */
  @Required(topicName, 'topic: gateway/canary')
  topic!: string;

  /** How often, 1s to 24h; a probe that is not back by the next one is missing. Default 1m. */
  @Optional(duration('1s', '24h'))
  every = '1m';
}

export class BirthConfig {
  /** Topic it is published to. */
  @Required(topicName, 'topic: gateways/gateway-7/status')
  topic!: string;

  /** Text, up to 65535 bytes. Default: empty. */
  @Optional(presencePayload)
  payload = '';

  /** 0 or 1. Default 1. */
  @Optional(whole(0, 1))
  qos = 1;

  /** Whether the broker keeps it for whoever subscribes later. Default false. */
  @Optional(flag)
  retain = false;
}

export class WillConfig extends BirthConfig {
  /** How long the broker waits for the link to come back, whole seconds up to 365d. MQTT 5. Default 0s: not at all. */
  @Optional(duration('0s', '365d', { wholeSeconds: true }))
  delay = '0s';
}

export class SessionConfig {
  /** MQTT client id, unique at the broker. Default, or empty: generated once and kept in the data directory. */
  @Optional(text({ min: 0, max: 1_024, mend: 'Write an id that no other client uses, or leave it empty.' }))
  clientId = '';

  /** Accept that the client id differs from the one in the data directory: the old session is given up. Default false. */
  @Optional(flag)
  adopt = false;

  /** How long the broker keeps the session while we are away, whole seconds up to 365d. Default 24h. */
  @Optional(duration('0s', '365d', { wholeSeconds: true }))
  expiry = '24h';

  /** Longest silence on the link, whole seconds from 5s to 65535s. Default 30s. */
  @Optional(duration('5s', '65535s', { wholeSeconds: true }))
  keepalive = '30s';

  /** Messages the broker may have in flight to us, unacknowledged, 1 to 65535. Default 1024. */
  @Optional(whole(1, 65_535))
  receiveMaximum = 1_024;

  /** Largest packet we accept, 1KiB to 256MiB. Default 1MiB. */
  @Optional(size('1KiB', '256MiB'))
  maxPacket = '1MiB';

  /** Waits between attempts to connect. */
  @Optional(object(ReconnectConfig))
  reconnect = new ReconnectConfig();

  /** A message to ourselves that proves the broker delivers. Default: none. */
  @Optional(object(CanaryConfig))
  canary?: CanaryConfig;

  /** Published by the broker when the link is gone, however it ended. Default: none. */
  @Optional(object(WillConfig))
  will?: WillConfig;

  /** Published after every connect, before anything else. Default: none. */
  @Optional(object(BirthConfig))
  birth?: BirthConfig;
}
