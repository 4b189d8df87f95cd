import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { HoldfastError } from '../domain/errors.js';
import {
  REPLAYS_PER_SUBSCRIBER_MAX,
  type Gap,
  type Replay,
  type ReplayRequest,
  type RevivedLetter,
} from '../domain/replay.js';
import type { Appender } from './append.js';
import { RECORD_COLUMNS, recordOf, type RecordRow } from './rows.js';
import { TopicNames } from './topic-names.js';

/** Under this name `meta` says up to where retention has dropped what was settled. */
export const DROPPED_THROUGH = 'dropped';

interface ReplayRow extends Omit<Replay, 'topics'> {
  topics: string | null;
}

const COLUMNS = 'replay AS number, subscriber, topics, first AS "from", through, position';

/** The replays of one subscriber, in the order in which it is given them. */
export function replaysOf(db: DatabaseSync, subscriber: string): Replay[] {
  const rows = db
    .prepare(`SELECT ${COLUMNS} FROM replays WHERE subscriber = ? ORDER BY replay`)
    .all(subscriber) as unknown as ReplayRow[];
  return rows.map(replayOf);
}

function replayOf({ topics, ...row }: ReplayRow): Replay {
  return topics === null ? row : { ...row, topics: JSON.parse(topics) as string[] };
}

/** What is given again, and what is given up. Runs inside a transaction. */
export class ReplayTable {
  readonly #topics: TopicNames;
  readonly #unbury: StatementSync;
  readonly #wait: StatementSync;
  readonly #deadLetter: StatementSync;
  readonly #record: StatementSync;
  readonly #forgetRecord: StatementSync;
  readonly #accept: StatementSync;
  readonly #progress: StatementSync;
  readonly #done: StatementSync;

  constructor(
    private readonly db: DatabaseSync,
    private readonly appender: Appender,
  ) {
    this.#topics = new TopicNames(db);
    const unbury = 'DELETE FROM dead_letters WHERE dead_letter = ?';
    this.#unbury = db.prepare(`${unbury} AND subscriber = ? AND position = ?`);
    this.#deadLetter = db.prepare(`${unbury} RETURNING subscriber`);
    this.#wait = db.prepare(
      `INSERT INTO waiting (subscriber, position, ordering_key, attempts, due_at, reason, replayed_at)
       VALUES (?, ?, ?, 0, ?, '', ?) ON CONFLICT DO NOTHING`,
    );
    this.#record = db.prepare(
      `SELECT ${RECORD_COLUMNS} FROM records r JOIN rejections j ON j.position = r.position WHERE r.position = ?`,
    );
    this.#record.setReturnArrays(true);
    this.#forgetRecord = db.prepare(
      `DELETE FROM records WHERE position = ?
         AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.position = records.position)
         AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.position = records.position)`,
    );
    this.#accept = db.prepare('DELETE FROM rejections WHERE position = ?');
    this.#progress = db.prepare('UPDATE replays SET position = max(position, ?) WHERE replay = ?');
    this.#done = db.prepare('DELETE FROM replays WHERE replay = ? AND position >= through');
  }

  /** @returns those that were dead letters still */
  revive(letters: readonly RevivedLetter[], at: number): RevivedLetter[] {
    return letters.filter(({ number, subscriber, position, key }) => {
      if (this.#unbury.run(number, subscriber, position).changes === 0) return false;
      this.#wait.run(subscriber, position, key, at, at);
      return true;
    });
  }

  /** @returns whose they were, one entry for each that there was */
  deleteDeadLetters(numbers: readonly number[]): string[] {
    return numbers
      .map((number) => this.#deadLetter.get(number) as { subscriber: string } | undefined)
      .filter((row) => row !== undefined)
      .map(({ subscriber }) => subscriber);
  }

  /** @returns the old positions of those that were moved, the last new one, and how many records there are more */
  reenter(positions: readonly number[]): { moved: number[]; last: number; added: number } {
    const moved: number[] = [];
    let last = 0;
    let added = 0;
    for (const position of positions) {
      const row = this.#record.get(position) as unknown as RecordRow | undefined;
      const record = row && recordOf(row, this.#topics);
      if (!record) continue;
      last = this.appender.again(row, record.topic);
      added += 1 - Number(this.#forgetRecord.run(position).changes);
      this.#accept.run(position);
      moved.push(position);
    }
    return { moved, last, added };
  }

  /** @returns how many rejections and how many records there were */
  deleteRejections(positions: readonly number[]): { rejections: number; records: number } {
    let rejections = 0;
    let records = 0;
    for (const position of positions) {
      if (this.#accept.run(position).changes === 0) continue;
      rejections++;
      records += Number(this.#forgetRecord.run(position).changes);
    }
    return { rejections, records };
  }

  start({ subscriber, topics, from, through }: ReplayRequest, dropped: number): { replay: Replay; gap?: Gap } {
    const known = this.db.prepare('SELECT cursor FROM subscribers WHERE subscriber = ?').get(subscriber) as
      { cursor: number } | undefined;
    if (!known) throw new HoldfastError('NOT_FOUND', `there is no subscriber "${subscriber}"`);
    const bound = Math.min(through, known.cursor);
    const { first } = this.db
      .prepare('SELECT min(position) AS first FROM records WHERE position BETWEEN ? AND ?')
      .get(from, bound) as { first: number | null };
    if (first === null) {
      const given = `"${subscriber}" was given records up to position ${known.cursor}`;
      throw new HoldfastError('REPLAY_EMPTY', `${given}; from ${from} through ${through} there is nothing of that`);
    }
    const { n } = this.db.prepare('SELECT count(*) AS n FROM replays WHERE subscriber = ?').get(subscriber) as {
      n: number;
    };
    if (n >= REPLAYS_PER_SUBSCRIBER_MAX) throw new HoldfastError('REPLAYS_FULL', `"${subscriber}" has ${n} replays`);
    const number = Number(
      this.db
        .prepare('INSERT INTO replays (subscriber, topics, first, through, position) VALUES (?, ?, ?, ?, ?)')
        .run(subscriber, topics ? JSON.stringify(topics) : null, first, bound, first - 1).lastInsertRowid,
    );
    const replay = { number, subscriber, ...(topics ? { topics } : {}), from: first, through: bound };
    const gap = from <= dropped ? { from, through: Math.min(dropped, bound) } : undefined;
    return { replay: { ...replay, position: first - 1 }, ...(gap ? { gap } : {}) };
  }

  progressed(replays: readonly { number: number; position: number }[]): void {
    for (const { number, position } of replays) {
      this.#progress.run(position, number);
      this.#done.run(number);
    }
  }

  /** Retention may go on. @returns the one that was ended, if there was one */
  endFurthestBehind(): Replay | undefined {
    const row = this.db
      .prepare(
        `DELETE FROM replays WHERE replay = (SELECT replay FROM replays ORDER BY position LIMIT 1) RETURNING ${COLUMNS}`,
      )
      .get() as unknown as ReplayRow | undefined;
    return row && replayOf(row);
  }

  cancel(subscriber: string): number {
    return Number(this.db.prepare('DELETE FROM replays WHERE subscriber = ?').run(subscriber).changes);
  }
}
