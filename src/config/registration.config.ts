import { allowEntryProblem } from '../domain/allow-list.js';
import { Optional } from './field.js';
import { text } from './scalar.js';
import { list } from './shape.js';

const destination = text({
  max: 260,
  check: allowEntryProblem,
  mend: 'Write a host (billing.apps.svc), all under one (*.apps.svc), an address, each with :port or without, or a network (10.0.0.0/8).',
});

export class RegistrationConfig {
  /** Where subscribers registered over REST may be sent to, up to 1000: hosts, `*.` and a host, addresses, each with a port or without, and networks. Default: nowhere. */
  @Optional(list(destination, { max: 1_000 }))
  allow: string[] = [];
}
