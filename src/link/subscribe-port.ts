import type { Clock } from '../domain/clock.js';
import { UNANSWERED, type Journal } from '../domain/journal.js';
import type { LinkEvent } from '../domain/link.js';
import type { Connection } from './connection.js';
import type { FilterLimits, SubscribePort } from './subscriptions.js';

/** Where the answers of the broker go. */
export interface SubscribedSession {
  /** Under which the journal keeps what is acknowledged. */
  name: string;
  journal: Pick<Journal, 'saveSubscription' | 'dropSubscription'>;
  clock: Pick<Clock, 'monotonic'>;
  failed: (error: Error) => void;
  tell: (event: LinkEvent) => void;
}

/** How subscriptions are asked for on one connection. */
export function subscribePort(
  connection: Connection,
  limits: FilterLimits,
  { name, journal, clock, failed, tell }: SubscribedSession,
): SubscribePort {
  return {
    limits,
    now: () => clock.monotonic(),
    subscribe: ({ filter, qos, own }) => connection.subscribe(filter, qos, { own }),
    asking: (filters) => {
      const save = (filter: string): Promise<void> => journal.saveSubscription(name, { filter, qos: UNANSWERED });
      return Promise.all(filters.map(save)).catch(failed); // the link is worth more
    },
    unsubscribe: (filter) => connection.unsubscribe(filter),
    acknowledged: (subscription) => void journal.saveSubscription(name, subscription).catch(failed),
    dropped: (filter) => void journal.dropSubscription(name, filter).catch(failed),
    answered: ({ name: subscription, own }, code) => {
      if (own !== true) tell({ kind: 'subscription', name: subscription, code });
    },
    spared: (filter) => tell({ kind: 'spared', filter }),
    unanswered: ({ name: subscription, own }) => {
      if (own !== true) tell({ kind: 'unanswered', name: subscription });
    },
  };
}
