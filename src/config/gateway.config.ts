import { BrokerConfig } from './broker.config.js';
import { Optional } from './field.js';
import { ContractConfig } from './contract.config.js';
import { contractName, filePath } from './format.js';
import { HttpConfig, OpsConfig, PublishConfig } from './http.config.js';
import { duration, size, words } from './scalar.js';
import { RegistrationConfig } from './registration.config.js';
import { SessionConfig } from './session.config.js';
import { list, map, object } from './shape.js';
import { SubscriberConfig } from './subscriber.config.js';
import { SubscriptionConfig } from './subscription.config.js';
import { TracingConfig } from './tracing.config.js';

export class JournalConfig {
  /** Folder of the journal, kept across restarts, owned by one gateway. Default ./data. */
  @Optional(filePath)
  directory = './data';

  /** Disk space it may take, 16MiB to 16TiB. Default 1GiB. */
  @Optional(size('16MiB', '16TiB'))
  maxSize = '1GiB';

  /** How long settled records stay for replay, while there is room, up to 365d. Default 24h. */
  @Optional(duration('0s', '365d'))
  retention = '24h';

  /** How long dead letters and rejections stay, 1s to 3650d; then they are given up, and said so. Default 30d. */
  @Optional(duration('1s', '3650d'))
  failedRetention = '30d';

  /** `hold`: acknowledgements wait; `discard-oldest-of-largest-backlog`: records are given up, and said so. Default hold. */
  @Optional(words('hold', 'discard-oldest-of-largest-backlog'))
  whenFull = 'hold';
}

export class LogConfig {
  /** The least severe lines that are written. Default info. */
  @Optional(words('trace', 'debug', 'info', 'warn', 'error', 'fatal'))
  level = 'info';

  /** `auto`: pretty on a terminal, JSON otherwise. Default auto. */
  @Optional(words('auto', 'pretty', 'json'))
  format = 'auto';
}

/** The whole file. A key that is left out or left empty has its default. */
export class GatewayConfig {
  /** Where the broker is and how to get in. */
  @Optional(object(BrokerConfig))
  broker = new BrokerConfig();

  /** The one persistent session. */
  @Optional(object(SessionConfig))
  session = new SessionConfig();

  /** What we ask the broker for, up to 500. Default: nothing. */
  @Optional(list(object(SubscriptionConfig), { max: 500 }))
  subscriptions: SubscriptionConfig[] = [];

  /** What payloads must look like, by name, up to 500. */
  @Optional(map(object(ContractConfig), 500, contractName))
  contracts = new Map<string, ContractConfig>();

  /** Who receives, up to 1000. */
  @Optional(list(object(SubscriberConfig), { max: 1_000 }))
  subscribers: SubscriberConfig[] = [];

  /** Who may register over REST. */
  @Optional(object(RegistrationConfig))
  registration = new RegistrationConfig();

  /** Where messages are kept. */
  @Optional(object(JournalConfig))
  journal = new JournalConfig();

  /** What apps may publish through REST. */
  @Optional(object(PublishConfig))
  publish = new PublishConfig();

  /** The REST surface. */
  @Optional(object(HttpConfig))
  http = new HttpConfig();

  /** Metrics and probes. */
  @Optional(object(OpsConfig))
  ops = new OpsConfig();

  /** What is logged and how. */
  @Optional(object(LogConfig))
  log = new LogConfig();

  /** Traces, for an OpenTelemetry collector. */
  @Optional(object(TracingConfig))
  tracing = new TracingConfig();
}
