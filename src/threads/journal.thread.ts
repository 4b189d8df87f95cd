/** The journal thread: the one writer, and whoever asks it from the other threads. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../domain/clock.js';
import type { EmitJournalEvent, Journal, JournalEvents } from '../domain/journal.js';
import type { Rejection } from '../domain/record.js';
import type { JournalSettings } from '../domain/settings.js';
import { AppendMarks, SqliteJournal } from '../journal/index.js';
import { CommitTimes, JournalMetrics, type CommitSeconds } from '../ops/index.js';
import { Heartbeats } from './heartbeat.js';
import { Channel, served } from './rpc.js';

export interface JournalThreadData {
  settings: JournalSettings;
  /** Label values that must exist from the start. */
  names: { contracts: string[] };
  heartbeats: SharedArrayBuffer;
  /** Share of the records that are traced; absent: none. */
  traced?: number | undefined;
}

/** What the parent may ask of this thread. */
export interface JournalThreadCalls {
  /** Opens the journal. Rejects with the error it could not be opened for. */
  open(): Promise<{ journalId: string }>;
  /** Serves the journal to one more thread. Another attach under the same name replaces the first. */
  attach(listener: Listener, port: MessagePort): Promise<void>;
  /** Contracts with these names are in force: their label values exist from now on. */
  contracts(names: string[]): Promise<void>;
  /** Finishes, and closes the journal. */
  close(): Promise<void>;
}

/** The journal's methods and this thread's metrics, as the link and the main thread see them. */
export type ServedJournal = Journal & {
  metrics(): Promise<string>;
  /** How long the commits took of the last so many milliseconds. */
  commits(ms: number): Promise<CommitSeconds>;
};

export type Listener = 'main' | 'link' | 'contract';
/** Who hears which event. */
const LISTENERS: { [event in keyof JournalEvents]: readonly Listener[] } = {
  committed: ['contract'],
  outbox: ['link'],
  confirmed: ['main'],
  state: ['main', 'link'],
  nearFull: ['main'],
  expired: ['main'],
  discarded: ['main'],
  replayEnded: ['main'],
  damaged: ['main'],
  traced: ['main'],
  fatal: ['main'],
};
/** The newest says enough: positions that only grow, and what the link reads for itself when it has missed one. */
const LATEST: ReadonlySet<keyof JournalEvents> = new Set(['committed', 'outbox']);
/** The main thread ends the process after a disk fault; should it be stalled, this thread does. */
const FATAL_GRACE_MS = 5_000;

const { settings, names, heartbeats, traced } = workerData as JournalThreadData;
const channels = new Map<Listener, Channel>();
let journal: SqliteJournal | undefined;
const metrics = new JournalMetrics(
  () => journal!.stats(),
  settings.maxBytes,
  names,
  () => systemClock.now(),
);

const emit: EmitJournalEvent = (event, value) => {
  for (const listener of LISTENERS[event]) {
    const channel = channels.get(listener);
    if (LATEST.has(event)) channel?.emitLatest(event, value);
    else channel?.emit(event, value);
  }
  if (event === 'fatal') setTimeout(() => process.kill(process.pid, 'SIGKILL'), FATAL_GRACE_MS);
};

const commits = new CommitTimes(systemClock);
const observeCommit = (seconds: number): void => {
  metrics.observeCommit(seconds);
  commits.observe(seconds);
};

const calls: JournalThreadCalls = {
  open() {
    const marks =
      traced &&
      new AppendMarks(
        traced,
        () => systemClock.now(),
        (told) => emit('traced', told),
      );
    journal = new SqliteJournal(settings, emit, systemClock, observeCommit, marks || undefined);
    return Promise.resolve({ journalId: journal.journalId });
  },
  async attach(listener, port) {
    const serveJournal = served(journal!);
    const channel = new Channel(port, async (method, args) => {
      if (method === 'metrics') return metrics.text();
      if (method === 'commits') return commits.within(args[0] as number);
      const value = await serveJournal(method, args);
      if (method === 'admit') metrics.rejected(args[1] as Rejection[]);
      return value;
    });
    channels.set(listener, channel);
    // It may have been full since before anyone listened.
    const { state, stateReason: reason } = await journal!.stats();
    if (state === 'full' && LISTENERS.state.includes(listener)) channel.emit('state', { state, reason });
  },
  contracts(names) {
    metrics.contracts(names);
    return Promise.resolve();
  },
  async close() {
    await journal?.close();
    journal = undefined;
  },
};

new Heartbeats(heartbeats).beatAs('journal');
new Channel(parentPort!, served(calls));
