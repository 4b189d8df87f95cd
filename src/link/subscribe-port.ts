import type { Clock } from '../domain/clock.js';
import type { Journal } from '../domain/journal.js';
import type { LinkEvent } from '../domain/link.js';
import type { Connection } from './connection.js';
import type { FilterLimits, SubscribePort } from './subscriptions.js';

export interface SubscribeParts {
  connection: Connection;
  limits: FilterLimits;
  /** Its name in the journal, which remembers what was acknowledged. */
  session: string;
  journal: Pick<Journal, 'saveSubscription' | 'dropSubscription'>;
  clock: Clock;
  tell: (event: LinkEvent) => void;
  failed: (error: Error) => void;
}

/** How subscriptions are made on a connection. */
export function subscribePort({ connection, limits, session, journal, clock, ...told }: SubscribeParts): SubscribePort {
  const { tell, failed } = told;
  return {
    limits,
    now: () => clock.monotonic(),
    subscribe: ({ filter, qos, own }) => connection.subscribe(filter, qos, { own }),
    unsubscribe: (filter) => connection.unsubscribe(filter),
    acknowledged: (subscription) => void journal.saveSubscription(session, subscription).catch(failed),
    dropped: (filter) => void journal.dropSubscription(session, filter).catch(failed),
    answered: ({ name, own }, code) => {
      if (own !== true) tell({ kind: 'subscription', name, code });
    },
  };
}
