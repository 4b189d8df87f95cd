import type { AcknowledgedSubscription } from '../domain/journal.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import type { SubscribePort, Wanted } from './subscriptions.js';

export function wanted(filter: string, qos: 0 | 1 | 2 = 1): SubscriptionSettings {
  return { name: filter, filter, qos, overlap: 'refuse' };
}

/** A broker that refuses what is in `deny` and remembers what it was asked. */
export interface Broker extends SubscribePort {
  asked: string[];
  saved: AcknowledgedSubscription[];
  droppedFilters: string[];
  answers: [string, number | null][];
  silent: string[];
}

export function broker(deny: string[] = [], more: Partial<SubscribePort> = {}): Broker {
  const asked: string[] = [];
  const saved: AcknowledgedSubscription[] = [];
  const dropped: string[] = [];
  const answers: [string, number | null][] = [];
  const silent: string[] = [];
  return {
    answers,
    silent,
    unanswered: ({ name }) => void silent.push(name),
    limits: { wildcardAvailable: true, sharedAvailable: true },
    now: () => 0,
    answered: ({ name }, code) => void answers.push([name, code]),
    asked,
    saved,
    droppedFilters: dropped,
    subscribe: ({ filter, qos }: Wanted) => {
      asked.push(`+${filter}`);
      return Promise.resolve(deny.includes(filter) ? 0x87 : qos);
    },
    unsubscribe: (filter: string) => {
      asked.push(`-${filter}`);
      return Promise.resolve();
    },
    acknowledged: (subscription: AcknowledgedSubscription) => void saved.push(subscription),
    dropped: (filter: string) => void dropped.push(filter),
    ...more,
  };
}
