/** What becomes of records, as metrics, events and lines of the log. */
import type { Logger } from 'pino';
import type { Announcements } from './announcing.js';
import type { CredentialsObserver } from './config/index.js';
import type { DeliveryObserver } from './delivery/index.js';
import { ERRORS, HoldfastError } from './domain/errors.js';
import type { JournalEvents } from './domain/journal.js';
import type { Discarded } from './domain/subscriber.js';
import { spanRefOf, type SpanRef } from './domain/trace.js';
import { LONG_QUIET_MS, type DeliveryMetrics, type Repeated, type Repeats } from './ops/index.js';

export interface TellingParts {
  metrics: Pick<DeliveryMetrics, 'attempt' | 'delivered' | 'discarded' | 'deadLettered'>;
  announcements: Pick<Announcements, 'state' | 'died' | 'discarded'>;
  /** Told what was given up. */
  discarded: (discarded: Discarded) => void;
  repeats: Repeats;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Tells what a subscriber will never be given: the bounds of its backlog or of the journal asked for it. */
export function discardTeller({
  metrics,
  announcements,
  repeats,
  logger,
}: Omit<TellingParts, 'discarded'>): TellingParts['discarded'] {
  /** What is held back, by kind. */
  const folded = new Map<string, Discarded>();
  return (discarded) => {
    const { subscriber, reason, records } = discarded;
    if (records === 0) return;
    announcements.discarded(discarded);
    metrics.discarded(subscriber, reason, records);
    const kind = `discarded ${subscriber} ${reason}`;
    const before = folded.get(kind);
    folded.set(kind, before ? together(before, discarded) : discarded);
    repeats.tell(kind, ({ lastAt }) => {
      logger.error(
        { ...folded.get(kind), lastAt },
        'the oldest records of a backlog were given up, as subscribers[].maxBacklog or journal.whenFull asks',
      );
      folded.delete(kind);
    });
  };
}

function together(one: Discarded, other: Discarded): Discarded {
  return {
    ...one,
    records: one.records + other.records,
    from: Math.min(one.from, other.from),
    through: Math.max(one.through, other.through),
  };
}

/** @param gone is told of a subscriber that answered 410, and why */
export function deliveryObserver(
  { metrics, discarded, announcements, repeats, logger }: TellingParts,
  gone: (subscriber: string, why: string) => void,
): DeliveryObserver {
  /** Statuses of the dead letters whose line is held back, by kind. */
  const died = new Map<string, Set<number>>();
  /** What attempts of a subscriber met last, while they fail. */
  const troubles = new Map<string, string>();
  return {
    attempt: (subscriber, outcome, seconds, traceparent) =>
      metrics.attempt(subscriber, outcome, seconds, spanOf(traceparent)),
    delivered: (subscriber, seconds, traceparent) => metrics.delivered(subscriber, seconds, spanOf(traceparent)),
    state: (subscriber, state, reason) => {
      const level = state === 'active' ? 'info' : 'warn';
      logger[level]({ subscriber, state, reason }, 'subscriber changed state');
      announcements.state(subscriber, state, reason);
      if (state === 'gone') gone(subscriber, reason);
    },
    died: (letter) => {
      announcements.died(letter);
      const { subscriber, reason, status, topic, position, id } = letter;
      metrics.deadLettered(subscriber);
      const kind = `dead ${subscriber} ${reason}`;
      const statuses = new Set(died.get(kind)).add(status);
      died.set(kind, statuses);
      repeats.tell(kind, (repeated) => {
        died.delete(kind);
        const said = statuses.size > 1 ? { statuses: [...statuses] } : { status };
        logger.warn(
          { subscriber, reason, ...said, topic, position, id, ...repeated },
          'dead letters; see GET /v1/dead-letters',
        );
      });
    },
    // One kind, so that the last line says how it is: a receiver that fails and succeeds by turns fills no log.
    failed: (subscriber, failed) => {
      const line = (repeated: Repeated): void => logger.warn({ subscriber, ...failed, ...repeated }, 'attempts fail');
      const trouble = `${failed.reason} ${failed.status}`;
      const isNews = troubles.get(subscriber) !== trouble;
      troubles.set(subscriber, trouble);
      repeats.tell(`attempts ${subscriber}`, line, 1, isNews ? undefined : LONG_QUIET_MS);
    },
    recovered: (subscriber) => {
      troubles.delete(subscriber);
      repeats.tell(`attempts ${subscriber}`, (repeated) =>
        logger.info({ subscriber, ...repeated }, 'attempts succeed again'),
      );
    },
    discarded,
    fault: (subscriber, err) =>
      repeats.tell(`fault ${subscriber}`, (repeated) =>
        logger.error(
          { subscriber, err, ...repeated },
          'a defect stopped a subscriber; it begins anew from the journal',
        ),
      ),
    saveFailed: (error) => {
      const code = error instanceof HoldfastError ? error.code : undefined;
      const problem = error instanceof Error ? error.message : String(error);
      repeats.tell('saves', (repeated) =>
        logger.error(
          { code, problem, ...repeated },
          'what was delivered could not be saved; trying again, and sending no more once 10 000 records wait for that',
        ),
      );
    },
  };
}

function spanOf(traceparent: string | undefined): SpanRef | undefined {
  return traceparent === undefined ? undefined : spanRefOf(traceparent);
}

/** What becomes of the files that let the link in. */
export function credentialsTeller(logger: TellingParts['logger']): {
  changed: (keys: readonly string[]) => void;
  refused: CredentialsObserver['refused'];
} {
  return {
    changed: (keys) =>
      logger.info({ changed: keys }, 'the broker’s credentials have changed; they are used at the next connect'),
    refused: (problems) => {
      for (const { path, message, mend } of problems) {
        logger.warn({ path, problem: message, mend }, 'the broker’s credentials on disk cannot be used');
      }
    },
  };
}

type JournalTeller = {
  [name in 'state' | 'nearFull' | 'expired' | 'replayEnded' | 'damaged']: (value: JournalEvents[name]) => void;
};

/** What the journal says by itself. @param directory where it is */
export function journalTeller(directory: string, logger: TellingParts['logger']): JournalTeller {
  return {
    state: ({ state, reason }) => {
      const full = { code: 'JOURNAL_FULL', reason, directory, hint: ERRORS.JOURNAL_FULL.hint };
      if (state === 'full') logger.error(full, 'the journal is full: acknowledgements wait');
      else logger.info('the journal has room again');
    },
    nearFull: (facts) => {
      if (facts.near) logger.warn(facts, 'nine tenths of journal.maxSize are in use');
    },
    expired: (what) =>
      logger.warn(what, 'rejections and dead letters were older than journal.failedRetention and are gone'),
    replayEnded: (replay) => logger.error(replay, 'a replay was ended to make room, as journal.whenFull asks'),
    damaged: (positions) => logger.error({ positions }, 'damaged records were found and set aside'),
  };
}
