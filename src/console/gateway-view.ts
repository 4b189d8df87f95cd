import type { DeadLetterQuery, ListedDeadLetter, ListedRejection } from '../domain/journal.js';
import type { LinkStatus } from '../domain/link.js';

/** What the read API shows. Nothing here can change anything. */
export abstract class GatewayView {
  abstract link(): Promise<LinkStatus | undefined>;
  abstract deadLetters(query: DeadLetterQuery): ListedDeadLetter[];
  /** Oldest first, after the position `after`, at most `limit`. */
  abstract rejections(query: { after?: number; limit: number }): ListedRejection[];
}
