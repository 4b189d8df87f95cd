import { Optional } from './field.js';
import { address, headerName, headerValue } from './format.js';
import { list, map, object } from './shape.js';
import { text, words } from './scalar.js';
import { TlsConfig } from './tls.config.js';

const brokerAddress = address(
  ['mqtt', 'mqtts', 'ws', 'wss'],
  'mqtts://broker:8883',
  'use broker.username and broker.password',
);
const WEBSOCKET_HEADERS = /^(host|connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$/i;

export class BrokerConfig {
  /** Where the broker is: mqtt, mqtts, ws or wss. Exactly one of `url` and `urls` is given. */
  @Optional(brokerAddress)
  url?: string;

  /** Several brokers of one cluster, 1 to 16: the link stays on one and moves on when it fails. */
  @Optional(list(brokerAddress, { min: 1, max: 16 }))
  urls?: string[];

  /** MQTT version: `5`, `3.1.1`, or `auto`: 5, falling back when the broker refuses it. Default auto. */
  @Optional(words('5', '3.1.1', 'auto'))
  protocol = 'auto';

  /** Default, or empty: none. */
  @Optional(text({ min: 0, max: 65_535, mend: 'Write the name, or remove the key.' }))
  username?: string;

  /** Default, or empty: none. From a file it is read again when that changes. Needs `username` unless protocol is 5 [MQTT 3.1.1, MQTT-3.1.2-22]. */
  @Optional(text({ min: 0, max: 65_535, mend: 'Write ${file:/path} or ${NAME}, or remove the key.' }))
  password?: string;

  /** Used with mqtts and wss. Files are read again when they change. */
  @Optional(object(TlsConfig))
  tls = new TlsConfig();

  /** Headers of the WebSocket upgrade request, at most 32. Default: none. */
  @Optional(map(headerValue, 32, headerName(WEBSOCKET_HEADERS)))
  wsHeaders = new Map<string, string>();
}
