/** What of the gateway's own doings becomes a record that subscribers may ask for. */
import type { DeliveryObserver } from './delivery/index.js';
import type { JournalEvents } from './domain/journal.js';
import { isDenied, type LinkEvent } from './domain/link.js';
import type { Discarded } from './domain/subscriber.js';
import { OWN_TOPICS } from './domain/topic.js';
import type { OwnEvents } from './ops/index.js';

/** Names the events and what they say; `docs/events.md` lists them. */
export class Announcements {
  constructor(private readonly events: Pick<OwnEvents, 'tell'>) {}

  link(told: LinkEvent): void {
    const { events } = this;
    if (told.kind === 'up') {
      const { sessionPresent, reconnect, after = null } = told;
      events.tell('link/up', { sessionPresent, reconnect, after });
    } else if (told.kind === 'dropped') {
      events.tell('link/down', told.diagnosis);
    } else if (told.kind === 'session-lost') {
      const from = told.from === 0 ? null : new Date(told.from).toISOString();
      events.tell('link/session-lost', { from, to: new Date(told.to).toISOString() });
    } else if (told.kind === 'subscription' && isDenied(told.code)) {
      events.tell('link/subscription-denied', { subscription: told.name, code: told.code });
    } else if (told.kind === 'canary') {
      events.tell('link/canary', { silent: told.silent, ...(told.silent ? told.diagnosis : {}) });
    }
  }

  readonly state: DeliveryObserver['state'] = (subscriber, state, reason) =>
    this.events.tell('subscriber/state', { subscriber, state, reason });

  readonly died: DeliveryObserver['died'] = (letter) => {
    // Of an event that nobody takes there would be another event, and another.
    if (letter.topic.startsWith(OWN_TOPICS)) return;
    const { subscriber, position, id, topic, reason, status, detail, attempts } = letter;
    this.events.tell('subscriber/dead-letter', { subscriber, position, id, topic, reason, status, detail, attempts });
  };

  discarded({ subscriber, reason, records, from, through }: Discarded): void {
    if (records > 0) this.events.tell('subscriber/discarded', { subscriber, reason, records, from, through });
  }

  journalState({ state, reason }: JournalEvents['state']): void {
    this.events.tell('journal/state', { state, reason });
  }

  nearFull(facts: JournalEvents['nearFull']): void {
    this.events.tell('journal/near-full', facts);
  }
}
