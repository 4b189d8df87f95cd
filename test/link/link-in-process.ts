/** The link alone, in the test's own thread: quick enough for every code and every hostile byte. */
import { systemClock } from '../../src/domain/clock.js';
import type { Journal } from '../../src/domain/journal.js';
import type { LinkDrop, LinkEvent } from '../../src/domain/link.js';
import { unpackMessages } from '../../src/domain/message.js';
import type { SubscriptionSettings } from '../../src/domain/settings.js';
import { Session, type SessionOptions } from '../../src/link/index.js';
import { until } from '../support/until.js';

export interface LinkInProcess {
  session: Session;
  events: LinkEvent[];
  /** Payloads that reached the journal, as text. */
  journaled: string[];
  /** Topics, likewise. */
  topics: string[];
  up(): Promise<void>;
  /** The last ones, newest first, as soon as there are so many. */
  drops(count: number): Promise<LinkDrop[]>;
  stop(): Promise<void>;
}

export function startLink(
  url: string,
  protocol: '5' | '3.1.1' | 'auto' = '5',
  more: Partial<SessionOptions['session']> = {},
  filters: string[] = ['a'],
): LinkInProcess {
  const events: LinkEvent[] = [];
  const journaled: string[] = [];
  const topics: string[] = [];
  const options: SessionOptions = {
    clientId: 'gateway',
    broker: { urls: [url], protocol, tls: {}, wsHeaders: {} },
    session: {
      clientId: 'gateway',
      adopt: false,
      expiryMs: 60_000,
      keepaliveMs: 5_000,
      receiveMaximum: 100,
      maxPacketBytes: 1_000_000,
      reconnect: { initialMs: 1, maxMs: 5, refusedMs: 5, conflictMs: 5, bannedMs: 5 },
      ...more,
    },
    subscriptions: filters.map((filter): SubscriptionSettings => ({ name: filter, filter, qos: 1, overlap: 'refuse' })),
  };
  const session = new Session(options, memoryJournal(journaled, topics), (event) => void events.push(event), fail, {
    clock: systemClock,
    random: Math.random,
    threadDelayMs: () => 0,
  });
  session.start();
  return {
    session,
    events,
    journaled,
    topics,
    up: () => until(() => session.status().state === 'up', { what: 'the link' }).then(() => undefined),
    drops: (count) =>
      until(() => (session.status().drops.length >= count ? session.status().drops : undefined), {
        everyMs: 2,
        what: () => `${count} drops, not ${JSON.stringify(session.status().drops)}`,
      }),
    stop: () => session.stop(100),
  };
}

function fail(error: Error): void {
  throw error;
}

/** Keeps messages in memory and everything else not at all. */
function memoryJournal(journaled: string[], topics: string[]): Journal {
  const done = (): Promise<void> => Promise.resolve();
  return {
    append: (batch: Parameters<Journal['append']>[0]) => {
      for (const { topic, payload } of unpackMessages(batch)) {
        topics.push(topic);
        journaled.push(Buffer.from(payload).toString());
      }
      return Promise.resolve();
    },
    openSession: () => Promise.resolve({ subscriptions: [], unreleased: [] }),
    linkHistory: () => Promise.resolve({ drops: [], heardAt: 0 }),
    outbox: () => Promise.resolve([]),
    expireOutbox: done,
    ...{ resetSession: done, saveSubscription: done, dropSubscription: done, saveLinkHistory: done, release: done },
  } as unknown as Journal;
}
