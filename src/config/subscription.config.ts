import { Optional, Required } from './field.js';
import { topicFilter } from './format.js';
import { parameters, type ParameterConfig } from './parameter.config.js';
import { text, whole, words } from './scalar.js';

export class SubscriptionConfig {
  /** Metric label, unique, up to 256 characters. Default: the filter. */
  @Optional(text({ max: 256, mend: 'Write a short name, such as telemetry.' }))
  name?: string;

  /** Topic filter at the broker; `$share/group/…` shares the load with other gateways, `{name}` is a `+` with a name. */
  @Required(topicFilter({ shared: true, named: true }), 'filter: devices/+/telemetry')
  filter!: string;

  /** What the `{name}` levels of the filter must be, by name. A topic that breaks it is a rejection of the contract. */
  @Optional(parameters)
  parameters = new Map<string, ParameterConfig>();

  /** Highest QoS we ask for: 0, 1 or 2. Default 1. */
  @Optional(whole(0, 2))
  qos = 1;

  /** Name of the contract its payloads must meet. Default: any payload is valid. */
  @Optional(text({ max: 63, mend: 'Write the name of one of the contracts.' }))
  contract?: string;

  /** `allow`: may overlap other filters; the first in file order names the contract. Default refuse. */
  @Optional(words('refuse', 'allow'))
  overlap = 'refuse';
}
