/** Delivery as the console sees it: what became of attempts of late. */
import type { Activities } from './console/index.js';
import type { DeliveryObserver } from './delivery/index.js';
import type { AttemptContext, Outcome, Sender } from './domain/attempt.js';
import type { Record } from './domain/record.js';

/** Tells what every attempt came to, of a batch by its first record. */
export class WatchedSender implements Sender {
  constructor(
    private readonly sender: Sender,
    private readonly tell: (record: Record, outcome: Outcome) => void,
  ) {}

  async send(record: Record, context: AttemptContext): Promise<Outcome> {
    const outcome = await this.sender.send(record, context);
    this.tell(record, outcome);
    return outcome;
  }

  async sendBatch(records: readonly Record[], context: AttemptContext): Promise<Outcome> {
    const outcome = await this.sender.sendBatch!(records, context);
    this.tell(records[0]!, outcome);
    return outcome;
  }

  close(): Promise<void> {
    return this.sender.close();
  }
}

/** Tells the console what it tells everybody else. */
export function watchedObserver(observer: DeliveryObserver, activities: Activities): DeliveryObserver {
  return {
    ...observer,
    attempt: (...told) => {
      activities.attempt(told[0], told[1]);
      observer.attempt(...told);
    },
    state: (...told) => {
      activities.state(told[0]);
      observer.state(...told);
    },
  };
}
