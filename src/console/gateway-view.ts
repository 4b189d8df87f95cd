import type { LinkStatus } from '../domain/link.js';
import type { Replay } from '../domain/replay.js';

export interface SubscriberView {
  id: string;
  url?: string;
  topics: string[];
  state: string;
  reason: string;
  lagRecords: number;
  lagSeconds: number;
  waiting: number;
  inFlight: number;
  /** Ranges of the journal that it is given again. */
  replays: Omit<Replay, 'number' | 'subscriber'>[];
}

/** What the read API shows. Nothing here can change anything. */
export abstract class GatewayView {
  abstract link(): Promise<LinkStatus | undefined>;
  abstract subscribers(): SubscriberView[];
}
