/**
 * How long lists of the journal are looked through: in short looks, so that a filter that matches nothing among
 * millions holds nobody up. A look names what it may look at and says what is left.
 */

/** Keys from `low` to `high`, both included. A key is a record's position, or a dead letter's number. */
export interface KeyRange {
  low: number;
  high: number;
}

export type Order = 'asc' | 'desc';

export interface Look {
  range: KeyRange;
  order: Order;
  /** At most so many rows are looked at, matching or not. */
  rows: number;
}

export interface Looked<T> {
  /** In the order asked for. */
  found: T[];
  /** What has not been looked at; absent: the list ends here. */
  rest?: KeyRange;
}

/** What is left out matches everything. */
export interface TopicAndTime {
  /** MQTT filters; one of them must match. */
  topics?: readonly string[];
  /** Wall clock, milliseconds since the epoch, both included. */
  from?: number;
  to?: number;
}

/** `from` and `to`: when it became a dead letter. */
export interface DeadLetterFilter extends TopicAndTime {
  subscriber?: string;
  reason?: string;
}

/** `from` and `to`: when it was rejected. */
export interface RejectionFilter extends TopicAndTime {
  contract?: string;
  reason?: string;
}

/** A record without its payload. `from` and `to` of a filter: when it was received. */
export interface ListedRecord {
  position: number;
  topic: string;
  /** Wall clock, milliseconds since the epoch. */
  receivedAt: number;
  rejected: boolean;
  /** How often it came in again as a mended rejection. */
  replays: number;
}
