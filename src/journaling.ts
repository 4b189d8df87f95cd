/** The journal's thread, the ways to it from main and from the other threads, and the reader beside it. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { JournalEvents } from './domain/journal.js';
import type { Settings } from './domain/settings.js';
import { within } from './domain/within.js';
import { SqliteJournalReader } from './journal/index.js';
import type { JournalThreadCalls, JournalThreadData, Listener, ServedJournal } from './threads/journal.thread.js';
import { Channel, remote } from './threads/rpc.js';
import { Thread } from './threads/thread.js';

export type JournalEars = { [event in keyof JournalEvents]?: (value: JournalEvents[event]) => void };

export interface JournalingParts {
  settings: Settings;
  heartbeats: SharedArrayBuffer;
  died: (error: Error) => void;
}

/** What there is once the journal is open. */
export interface OpenJournal {
  journal: ServedJournal;
  reader: SqliteJournalReader;
}

export class Journaling {
  #open: OpenJournal | undefined;
  readonly #directory: string;
  readonly #thread: Thread<JournalThreadCalls>;

  constructor({ settings, heartbeats, died }: JournalingParts) {
    this.#directory = settings.journal.directory;
    const data: JournalThreadData = {
      settings: settings.journal,
      names: { contracts: settings.contracts.map(({ name }) => name) },
      heartbeats,
      traced: settings.tracing?.sample,
    };
    this.#thread = new Thread('journal', data, { onEvent: () => undefined, died });
  }

  /** Undefined before it is open. */
  get journal(): ServedJournal | undefined {
    return this.#open?.journal;
  }

  /** @param ears what is done with each event of the journal @throws HoldfastError when it cannot be opened */
  async open(ears: JournalEars): Promise<OpenJournal> {
    await this.#thread.calls.open();
    const { port1, port2 } = new MessageChannel();
    await this.attach('main', port1);
    const heard = ears as { [event: string]: ((value: unknown) => void) | undefined };
    const journal = remote<ServedJournal>(new Channel(port2, undefined, (event, value) => heard[event]?.(value)));
    const reader = new SqliteJournalReader(this.#directory, (positions) => {
      // Without room for it the next read finds them again.
      journal.quarantine(positions).catch(() => undefined);
    });
    return (this.#open = { journal, reader });
  }

  /** Serves one more thread; again under the same name, in place of the first. */
  attach(listener: Listener, port: MessagePort): Promise<void> {
    return this.#thread.calls.attach(listener, port);
  }

  contracts(names: string[]): Promise<void> {
    return this.#thread.calls.contracts(names);
  }

  /** A disk that hangs must not keep the process: all that was promised is in the file. @param failed with why */
  async close(atMostMs: number, failed: (error: unknown) => void): Promise<void> {
    this.#open?.reader.close();
    await within(atMostMs, this.#thread.calls.close().catch(failed));
  }

  end(): Promise<void> {
    return this.#thread.end();
  }
}
