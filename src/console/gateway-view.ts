import type { LinkStatus } from '../domain/link.js';

/** What the read API shows. Nothing here can change anything. */
export abstract class GatewayView {
  abstract link(): Promise<LinkStatus | undefined>;
}
