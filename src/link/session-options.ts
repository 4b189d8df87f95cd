import type { Random } from '../domain/backoff.js';
import type { Clock } from '../domain/clock.js';
import type { BrokerSettings, SessionSettings, SubscriptionSettings } from '../domain/settings.js';
import type { RelayAmbient } from './relay.js';
import type { ResponsesAmbient } from './responses.js';

export interface SessionOptions {
  clientId: string;
  broker: BrokerSettings;
  session: SessionSettings;
  subscriptions: SubscriptionSettings[];
  /** Answers to requests come below it. Default: `responseTopicOf(clientId)`. */
  responseTopic?: string | undefined;
}

export interface SessionAmbient extends RelayAmbient, ResponsesAmbient {
  clock: Clock;
  random: Random;
  /** How late the calling thread was, at worst, in its last half minute; milliseconds. */
  threadDelayMs: () => number;
}
