/** Ties what apps publish to the journal and the link. */
import { systemClock } from './domain/clock.js';
import type { Journal, JournalReader } from './domain/journal.js';
import { responseTopicOf } from './domain/publish.js';
import type { PublishSettings } from './domain/settings.js';
import type { DeliveryMetrics, Tracing } from './ops/index.js';
import { GatheredOutbox, Publisher, Requester, type Outbox, type PublishContracts } from './publish/index.js';
import type { LinkThreadCalls, LinkThreadEvents } from './threads/link.thread.js';

export interface PublishingParts {
  settings: PublishSettings;
  clientId: string;
  journal: Journal;
  reader: JournalReader;
  contracts: PublishContracts;
  metrics: DeliveryMetrics;
  link: Pick<LinkThreadCalls, 'expectResponse' | 'forgetResponse'>;
  /** Undefined: nothing is traced. */
  tracing: Pick<Tracing, 'publishing' | 'spanOf'> | undefined;
}

/** What apps may do with the link: publish, and ask. */
export class Publishing {
  readonly publisher: Publisher;
  readonly requester: Requester;

  constructor({ settings, clientId, journal, reader, contracts, metrics, link, tracing }: PublishingParts) {
    const outbox = new GatheredOutbox(journal);
    this.publisher = new Publisher({
      ...{ settings, reader, contracts },
      outbox: tracing ? traced(outbox, tracing) : outbox,
      clock: systemClock,
      observe: (outcome, seconds, publish) => metrics.publish(outcome, seconds, publish && tracing?.spanOf(publish)),
    });
    this.requester = new Requester({
      publisher: this.publisher,
      desk: {
        expect: (expected) => link.expectResponse(expected),
        forget: (token) => void link.forgetResponse(token).catch(() => undefined), // a thread that ends expects nothing
      },
      responseTopic: settings.request?.responseTopic ?? responseTopicOf(clientId),
      settings: settings.request,
      clock: systemClock,
    });
  }

  /** @returns whether the event was one of a publish or a request */
  heard(event: string, value: unknown): boolean {
    if (event === 'answered') this.publisher.answered(value as LinkThreadEvents['answered']);
    else if (event === 'responded') this.requester.responded(value as LinkThreadEvents['responded']);
    else return false;
    return true;
  }

  stop(): void {
    this.publisher.stop();
    this.requester.stop();
  }
}

/** An outbox that tells whoever receives what comes into it where that comes from. */
function traced(outbox: Outbox, tracing: Pick<Tracing, 'publishing'>): Outbox {
  return {
    accept: async (acceptance) => {
      const spans = acceptance.publishes.map((publish) => tracing.publishing(publish));
      const accepted = outbox.accept({ ...acceptance, publishes: spans.map(({ publish }) => publish) });
      await accepted.catch((error: unknown) => {
        for (const { done } of spans) done(error);
        throw error;
      });
      for (const { done } of spans) done();
    },
    keepAnswer: (key, answers) => outbox.keepAnswer(key, answers),
  };
}
