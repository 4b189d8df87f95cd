import type { Random } from '../domain/backoff.js';
import type { Clock } from '../domain/clock.js';
import type { BrokerSettings, SessionSettings, SubscriptionSettings } from '../domain/settings.js';

export interface SessionOptions {
  clientId: string;
  broker: BrokerSettings;
  session: SessionSettings;
  subscriptions: SubscriptionSettings[];
}

export interface SessionAmbient {
  clock: Clock;
  random: Random;
  /** How late the calling thread was, at worst, in its last half minute; milliseconds. */
  threadDelayMs: () => number;
}
