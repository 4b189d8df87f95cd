import type { Clock } from '../domain/clock.js';
import type { Journal } from '../domain/journal.js';
import { packMessages, type Message } from '../domain/message.js';
import { ownMessage } from '../domain/own-event.js';
import { OWN_TOPICS } from '../domain/topic.js';

/** Events that wait for the journal, at most: while it is full they wait with everything else. */
const WAITING_MAX = 1_000;
/** Whoever can wait does so, while there is no room for so many: as many as one step of delivery tells of. */
const ROOM_MIN = 256;
const WHILE_FULL = 'the journal was full';
const TOO_MANY = 'more came at once than could be written';

export interface OwnEventsPort {
  append: Journal['append'];
  /** Whether a subscriber's filter matches the topic now. */
  wanted(topic: string): boolean;
  /** Whether the journal is full: then events wait until it has room. */
  journalFull(): boolean;
  /** So many events found no place, because too many were waiting. @param why in words */
  lost(count: number, why: string): void;
  failed(error: unknown): void;
}

/**
 * Writes the gateway's own events into the journal, in order, from where subscribers receive them like any record.
 * Those that nobody asks for are not written.
 */
export class OwnEvents {
  #waiting: Message[] = [];
  #lost = 0;
  #lostWhileFull = false;
  #writing: Promise<void> | undefined;

  constructor(
    private readonly port: OwnEventsPort,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /**
   * @param name what comes after `$holdfast/` in the topic
   * @param facts the payload, besides `at` (ISO 8601)
   */
  tell(name: string, facts: object): void {
    const topic = `${OWN_TOPICS}${name}` as const;
    if (!this.port.wanted(topic)) return;
    if (this.#waiting.length >= WAITING_MAX) {
      this.#lost++;
      this.#lostWhileFull ||= this.port.journalFull();
      return;
    }
    const at = this.clock.now();
    this.#waiting.push(ownMessage(topic, at, { at: new Date(at).toISOString(), ...facts }));
    this.#writing ??= this.#write();
  }

  /**
   * Whether whoever tells of many things is to go on. Not while events are on their way into the journal, and too many
   * wait already; but a full journal is waited for by nobody: what makes room there may be told of as well.
   */
  get hasRoom(): boolean {
    return this.#waiting.length <= WAITING_MAX - ROOM_MIN || this.port.journalFull();
  }

  /** Resolves when everything told so far is on disk, or could not be written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = packMessages(this.#waiting);
      const lost = this.#lost;
      this.#waiting = [];
      this.#lost = 0;
      if (lost > 0) this.port.lost(lost, this.#lostWhileFull ? WHILE_FULL : TOO_MANY);
      this.#lostWhileFull = false;
      try {
        await this.port.append(batch);
      } catch (error) {
        this.port.failed(error);
      }
    }
    this.#writing = undefined;
  }
}
