import type { Journal, JournalReader } from '../domain/journal.js';
import type { Record } from '../domain/record.js';
import type { Replay } from '../domain/replay.js';
import type { Waiting } from '../domain/subscriber.js';

/** What lists, records and streams are read from: a connection of the main thread's own. */
export type Shelf = Pick<
  JournalReader,
  | 'listDeadLetters'
  | 'listRejections'
  | 'listRecords'
  | 'recordsAt'
  | 'lastPosition'
  | 'lastDeadLetter'
  | 'admittedThrough'
  | 'droppedThrough'
  | 'positionAt'
>;

export type Keeper = Pick<
  Journal,
  'reviveDeadLetters' | 'deleteDeadLetters' | 'reenter' | 'deleteRejections' | 'startReplay' | 'cancelReplays'
>;

/** Delivery, as far as something is given to subscribers again. */
export interface Recipients {
  /** What this subscriber would do with the record now; undefined: nobody serves it. */
  regards(subscriber: string, record: Record): { wanted: boolean; key: string } | undefined;
  /** How many more rows may wait for this subscriber because they are given again; 0 for one that is not there. */
  roomForReplay(subscriber: string): number;
  /** These rows are in the journal and are to be tried; `bytes`: of the payload. Those of a subscriber that is not there wait for its return. */
  revived(rows: readonly (Waiting & { bytes: number })[]): void;
  /** Resolves when what it was given so far is on disk, or cannot be saved for now. @throws NOT_FOUND SUBSCRIBER_ABSENT */
  settled(subscriber: string): Promise<void>;
  /** This replay is in the journal. */
  replay(replay: Replay): void;
  /** The subscriber's replays are over; what of them failed and waits goes on waiting. @throws NOT_FOUND */
  endReplays(subscriber: string): void;
}

/** Why a record does not pass the contract now in force. */
export interface Refusal {
  position: number;
  reason: string;
  /** The first problem, for a person. */
  detail: string;
}

/** Checks records by the contracts now in force. Resolves with those that fail. */
export type CheckAgain = (positions: number[]) => Promise<Refusal[]>;
