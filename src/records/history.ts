import type { Clock } from '../domain/clock.js';
import type { StreamSettings } from '../domain/settings.js';
import { DeadLetters } from './dead-letters.js';
import type { CheckAgain, Keeper, Recipients, Shelf } from './ports.js';
import { Records } from './records.js';
import { Rejections } from './rejections.js';
import { Streams } from './streams.js';
import { SubscriberReplays } from './subscriber-replays.js';

export interface HistoryPorts {
  shelf: Shelf;
  keeper: Keeper;
  recipients: Recipients;
  check: CheckAgain;
  clock: Pick<Clock, 'now'>;
  stream: StreamSettings;
  /** Told what ended a stream that should have gone on. */
  fault: (error: unknown) => void;
}

/** Everything of this room, made of what the gateway has. */
export class History {
  readonly records: Records;
  readonly deadLetters: DeadLetters;
  readonly rejections: Rejections;
  readonly replays: SubscriberReplays;
  readonly streams: Streams;

  constructor({ shelf, keeper, recipients, check, clock, stream, fault }: HistoryPorts) {
    this.deadLetters = new DeadLetters(shelf, keeper, recipients, check, clock);
    this.rejections = new Rejections(shelf, keeper);
    this.replays = new SubscriberReplays(shelf, keeper, recipients);
    this.streams = new Streams(shelf, stream, fault);
    this.records = new Records(shelf, () => this.streams.admittedThrough);
  }
}
