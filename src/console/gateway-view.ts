import type { DeadLetterQuery, ListedDeadLetter, ListedRejection } from '../domain/journal.js';
import type { LinkStatus } from '../domain/link.js';

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
}

/** What the read API shows. Nothing here can change anything. */
export abstract class GatewayView {
  abstract link(): Promise<LinkStatus | undefined>;
  abstract subscribers(): SubscriberView[];
  abstract deadLetters(query: DeadLetterQuery): ListedDeadLetter[];
  /** Oldest first, after the position `after`, at most `limit`. */
  abstract rejections(query: { after?: number; limit: number }): ListedRejection[];
}
