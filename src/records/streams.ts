import { setImmediate } from 'node:timers/promises';
import type { Caller } from '../domain/caller.js';
import type { Sink } from '../domain/event-stream.js';
import type { ListedRecord, Looked } from '../domain/listing.js';
import type { StreamSettings } from '../domain/settings.js';
import { TopicTrie } from '../domain/topic-trie.js';
import type { Shelf } from './ports.js';
import { recordView } from './view.js';

/** So often a stream says that it is there, and how far it has come. */
const PING_MS = 15_000;
/** Rows looked at in one step; and by a client that does not keep up, of which most would be looked at in vain. */
const ROWS_PER_STEP = 256;
const ROWS_WHEN_SLOW = 16;
/** A browser waits so long before it connects again. */
const RETRY_MS = 2_000;

/** So long a client that is sent nothing more may take to read what it was sent. */
const END_MS_MAX = 5_000;

/** What a client asks for. */
export interface StreamWish {
  /** Topic filters. */
  filters: readonly string[];
  /** The last position it has had; absent: it begins with what comes from now on. */
  after?: number;
  /** Whose stream it is; it ends when the caller is revoked. */
  caller?: Caller;
}

/** One client. Nothing is queued for it: what it has not taken is in the journal. */
class Client {
  closed = false;
  slow = false;
  readonly #topics = new TopicTrie<true>();
  #wake: () => void = () => undefined;
  #goneTold: number;
  #stalled: NodeJS.Timeout | undefined;
  readonly #end = (): void => this.close();

  /** @param position every record up to here was sent, or is not for it */
  constructor(
    private readonly sink: Sink,
    private readonly wish: StreamWish,
    public position: number,
    private readonly stallTimeoutMs: number,
  ) {
    for (const filter of wish.filters) this.#topics.add(filter, true);
    this.#goneTold = position;
    sink.on('drain', () => this.#drained());
    sink.on('close', this.#end);
    wish.caller?.revoked.addEventListener('abort', this.#end);
    this.#send(`retry: ${RETRY_MS}\n${this.#place()}`);
  }

  /** Name of the token; undefined without tokens. */
  get owner(): string | undefined {
    return this.wish.caller?.name;
  }

  wants(topic: string): boolean {
    return this.#topics.match(topic).length > 0;
  }

  /** Resolves when there may be something to do again. */
  woken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  wake(): void {
    this.#wake();
  }

  get blocked(): boolean {
    return this.sink.writableNeedDrain;
  }

  message(position: number, data: object): void {
    this.#send(`id: ${position}\ndata: ${JSON.stringify(data)}\n\n`);
    this.position = position;
  }

  /** What it has yet to be sent is no longer there up to `dropped`, but for what waits or failed. */
  tellGap(dropped: number): void {
    const from = Math.max(this.position, this.#goneTold) + 1;
    if (from > dropped) return;
    this.gap({ from, through: dropped, reason: 'retention' });
    this.#goneTold = dropped;
  }

  gap(data: { from: number; through: number | null; reason: 'retention' | 'unknown-position' }): void {
    this.#send(`event: gap\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Also tells how far it has come: a client that wants little resumes from there. */
  ping(): void {
    if (!this.blocked) this.#send(`: ping\n${this.#place()}`);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.#stalled);
    this.wish.caller?.revoked.removeEventListener('abort', this.#end);
    this.sink.end();
    if (!this.sink.destroyed) setTimeout(() => this.sink.destroy(), END_MS_MAX).unref();
    this.#wake();
  }

  /** An event without data is dispatched to nobody, and its id is kept as the last one. */
  #place(): string {
    return `id: ${this.position}\n\n`;
  }

  #send(text: string): void {
    this.slow = !this.sink.write(text);
    if (this.slow) this.#stalled ??= setTimeout(() => this.sink.destroy(), this.stallTimeoutMs).unref();
  }

  #drained(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.#wake();
  }
}

/**
 * Server-Sent Events of admitted records. Each client has a place in the journal and reads on from there as fast as
 * it takes what it is sent: a slow one costs no memory. One step of one client in a turn of the event loop.
 */
export class Streams {
  readonly #clients = new Set<Client>();
  readonly #pings = setInterval(() => this.#ping(), PING_MS).unref();
  #admitted: number;
  #turn: Promise<unknown> = Promise.resolve();
  /** The last step's answer: clients at the end of the journal all ask the same. */
  #last: { low: number; high: number; rows: number; looked: Looked<ListedRecord> } | undefined;
  #closed = false;

  /** @param fault is told what ended a stream that should have gone on */
  constructor(
    private readonly shelf: Shelf,
    private readonly limits: StreamSettings,
    private readonly fault: (error: unknown) => void,
  ) {
    this.#admitted = shelf.admittedThrough();
  }

  get admittedThrough(): number {
    return this.#admitted;
  }

  /** Whether a client asks for messages of this topic. */
  wants(topic: string): boolean {
    return [...this.#clients].some((client) => client.wants(topic));
  }

  /** Why this caller cannot have one more stream now, in words. */
  refusal(caller: Caller | undefined): string | undefined {
    const { maxClients, maxPerToken } = this.limits;
    if (this.#closed || this.#clients.size >= maxClients) return 'as many streams are open as may be';
    const own = caller && [...this.#clients].filter(({ owner }) => owner === caller.name);
    return own && own.length >= maxPerToken ? `the token "${caller.name}" has as many streams as it may` : undefined;
  }

  /** Records up to here have their verdict. Cheap; called often. */
  admitted(through: number): void {
    this.#admitted = Math.max(this.#admitted, through);
    for (const client of this.#clients) client.wake();
  }

  open(sink: Sink, wish: StreamWish): void {
    // 'close', or that the token is gone, was before anybody listened.
    if (sink.destroyed || wish.caller?.revoked.aborted) return sink.end();
    const { after } = wish;
    const unknown = after !== undefined && after > this.shelf.lastPosition();
    const client = new Client(
      sink,
      wish,
      unknown ? this.#admitted : (after ?? this.#admitted),
      this.limits.stallTimeoutMs,
    );
    // It had another journal: what it missed of that nobody knows.
    if (unknown) client.gap({ from: after + 1, through: null, reason: 'unknown-position' });
    this.#clients.add(client);
    void this.#serve(client);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#pings);
    for (const client of this.#clients) client.close();
  }

  async #serve(client: Client): Promise<void> {
    try {
      while (!client.closed) {
        if (client.blocked || client.position >= this.#admitted) await client.woken();
        else {
          await this.#myTurn();
          if (!client.closed) this.#step(client);
        }
      }
    } catch (error) {
      this.fault(error);
    }
    client.close();
    this.#clients.delete(client);
  }

  #myTurn(): Promise<unknown> {
    return (this.#turn = this.#turn.then(() => setImmediate()));
  }

  #step(client: Client): void {
    client.tellGap(this.shelf.droppedThrough());
    const high = this.#admitted;
    const { found, rest } = this.#look(client.position + 1, high, client.slow ? ROWS_WHEN_SLOW : ROWS_PER_STEP);
    for (const { position, topic, rejected } of found) {
      if (rejected || !client.wants(topic)) continue;
      if (client.blocked) return;
      const record = this.shelf.recordsAt([position])[0];
      if (record) client.message(position, recordView(record));
    }
    client.position = rest ? rest.low - 1 : high;
  }

  #look(low: number, high: number, rows: number): Looked<ListedRecord> {
    const last = this.#last;
    if (last?.low === low && last.high === high && last.rows === rows) return last.looked;
    const looked = this.shelf.listRecords({ range: { low, high }, order: 'asc', rows }, {});
    this.#last = { low, high, rows, looked };
    return looked;
  }

  #ping(): void {
    for (const client of this.#clients) client.ping();
  }
}
