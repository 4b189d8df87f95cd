import type { LinkStatus } from '../domain/link.js';
import type { Span } from './rates.js';
import type { Activity, ConfigInForce, Rates, Status } from './shown/types.js';

/** What the read API shows. Nothing here can change anything. */
export abstract class GatewayView {
  abstract link(): Promise<LinkStatus | undefined>;
  /** Does not wait for a thread that stands still. */
  abstract status(): Promise<Status>;
  abstract rates(span: Span): Rates;
  abstract activity(): Promise<Activity>;
  abstract config(): ConfigInForce;
}
