import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from './words.js';
import type { Row, Verdict } from './row.js';
import { failed, skipped } from './row.js';

/** What a check gets to say what it knows after its time is up, before its row is written without it. */
const GRACE_MS = 250;

/** Told while it goes on. */
export interface Progress {
  /** The next rows are of the broker at this address. */
  broker(url: string): void;
  begun(check: string): void;
  done(row: Row): void;
  /** Several that will not be made, for one reason. */
  skipped(rows: Row[]): void;
}

export interface RowsOptions extends Progress {
  /** How long one check may take. */
  limitMs: number;
  /** Ctrl-C. */
  interrupted: AbortSignal;
}

/** Thrown out of a check when the user has had enough. */
export class Interrupted extends Error {}

/** The rows so far. Every check runs through here: its time is bounded, and a defect in it is a row, not a crash. */
export class Rows {
  readonly all: Row[] = [];
  #broker: string | undefined;

  constructor(private readonly options: RowsOptions) {}

  /** The next rows are of the broker at this address. */
  turnTo(url: string): void {
    this.#broker = url;
    this.options.broker(url);
  }

  /**
   * @param silence what it means when the check does not end in time
   * @param work is told by the signal that its time is up, and lets go of its sockets; `undefined` when it has
   * nothing to say but that
   */
  async examine(
    check: string,
    silence: { seen?: string; mend: string },
    work: (signal: AbortSignal) => Promise<Verdict | undefined>,
  ): Promise<Verdict> {
    const { limitMs, interrupted } = this.options;
    if (interrupted.aborted) throw new Interrupted();
    this.options.begun(check);
    const stop = new AbortController();
    const late = failed(`${silence.seen ?? 'no answer'} within ${seconds(limitMs)}`, silence.mend);
    const timers: NodeJS.Timeout[] = [setTimeout(() => stop.abort(), limitMs)];
    let interrupt = (): void => undefined;
    const done = work(stop.signal).then((verdict) => verdict ?? late, defect);
    const verdict = await Promise.race([
      done,
      new Promise<Verdict>((resolve) => timers.push(setTimeout(() => resolve(late), limitMs + GRACE_MS))),
      new Promise<undefined>((resolve) => {
        interrupt = () => {
          stop.abort();
          resolve(undefined);
        };
        interrupted.addEventListener('abort', interrupt);
      }),
    ]);
    timers.forEach((timer) => clearTimeout(timer));
    interrupted.removeEventListener('abort', interrupt);
    if (verdict === undefined || interrupted.aborted) {
      // What comes next cleans up: the check must not connect again behind its back.
      await Promise.race([done, sleep(GRACE_MS)]);
      throw new Interrupted();
    }
    this.add(check, verdict);
    return verdict;
  }

  add(check: string, verdict: Verdict): void {
    this.options.done(this.#keep(check, verdict));
  }

  leaveOut(checks: readonly string[], why: string): void {
    const rows = checks.map((check) => this.#keep(check, skipped(why)));
    if (rows.length > 0) this.options.skipped(rows);
  }

  #keep(check: string, verdict: Verdict): Row {
    const row: Row = { check, ...verdict, ...(this.#broker === undefined ? {} : { broker: this.#broker }) };
    this.all.push(row);
    return row;
  }
}

function defect(error: unknown): Verdict {
  const { message, stack = '' } = error as Error;
  const where = stack.split('\n')[1]?.trim() ?? '';
  return failed(
    `the check itself broke: ${message} ${where}`,
    'This is a defect in Holdfast; report it with this row.',
  );
}
