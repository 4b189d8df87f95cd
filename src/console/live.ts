import type { Caller } from '../domain/caller.js';
import type { Clock } from '../domain/clock.js';
import type { Sink } from '../domain/event-stream.js';
import type { Status } from './shown/types.js';

/** What was told is kept for those that come, and those that come back, so many. */
const KEPT = 500;
/** Asks for all that is kept. */
const FROM_THE_FIRST = '0';
const STATUS_MS = 2_000;
/** Streams open at once, and of one token: apart from those of `GET /v1/stream`, which they must not keep out. */
const CLIENTS_MAX = 32;
const CLIENTS_PER_TOKEN_MAX = 16;
/** One that takes nothing for so long is cut off, as of `GET /v1/stream` by default. */
const STALL_MS = 60_000;
/** Rejections of one contract and reason are told once in so long. */
const GATHERED_MS = 1_000;
/** A browser waits so long before it connects again. */
const RETRY_MS = 2_000;

interface Told {
  name: string;
  at: string;
}

/** What was told last, by number. Nobody else queues anything: who is slow reads on from here. */
class Kept {
  #told: Told[] = [];
  /** Number of the newest; the first is 1. */
  last = 0;

  add(told: Told): void {
    this.#told.push(told);
    this.last++;
    if (this.#told.length > KEPT) this.#told.shift();
  }

  /** The oldest that is still there. */
  get first(): number {
    return this.last - this.#told.length + 1;
  }

  at(number: number): Told {
    return this.#told[number - this.first]!;
  }
}

class Client {
  #closed = false;
  #stalled: NodeJS.Timeout | undefined;
  readonly #end = (): void => this.close();

  /** @param position number of the last that it has had */
  constructor(
    private readonly sink: Sink,
    readonly caller: Caller | undefined,
    private readonly run: string,
    private readonly kept: Kept,
    private position: number,
    private readonly gone: (client: Client) => void,
  ) {
    sink.on('drain', () => this.#drained());
    sink.on('close', this.#end);
    caller?.revoked.addEventListener('abort', this.#end);
    sink.write(`retry: ${RETRY_MS}\n\n`);
  }

  status(status: Status): void {
    // What the socket has not passed on may be too little for it to ask for a pause.
    if (this.sink.writableLength === 0) this.#taken();
    else this.#stalled ??= setTimeout(() => this.sink.destroy(), STALL_MS).unref();
    if (!this.sink.writableNeedDrain) this.#send('status', status);
  }

  /** Sends what it has not had, as far as it takes it. */
  catchUp(): void {
    if (this.sink.writableNeedDrain) return;
    if (this.position < this.kept.first - 1) this.missed();
    while (this.position < this.kept.last && !this.sink.writableNeedDrain) {
      const number = ++this.position;
      this.#send('told', this.kept.at(number), number);
    }
  }

  /** It goes on with what comes. */
  missed(): void {
    this.position = this.kept.last;
    this.#send('missed', {}, this.position);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#stalled);
    this.caller?.revoked.removeEventListener('abort', this.#end);
    this.sink.end();
    this.gone(this);
  }

  #send(event: string, data: object, number?: number): void {
    const id = number === undefined ? '' : `id: ${this.run}-${number}\n`;
    this.sink.write(`event: ${event}\n${id}data: ${JSON.stringify(data)}\n\n`);
  }

  #taken(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
  }

  #drained(): void {
    this.#taken();
    this.catchUp();
  }
}

/** What happens, for whoever looks at the console: nothing of it is journaled because somebody looks. */
export class LiveFeed {
  /** Of this run of the gateway; a number of another one says nothing. */
  readonly startedAt: string;
  readonly #clients = new Set<Client>();
  readonly #kept = new Kept();
  readonly #gathered = new Map<string, { contract: string; reason: string; count: number; timer: NodeJS.Timeout }>();
  #ticking: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param status must not reject, and is asked for while somebody looks */
  constructor(
    private readonly status: () => Promise<Status>,
    private readonly clock: Pick<Clock, 'now'>,
  ) {
    this.startedAt = new Date(clock.now()).toISOString();
  }

  /** @param name as docs/events.md has it @param facts what it says */
  tell(name: string, facts: object): void {
    this.#kept.add({ name, at: new Date(this.clock.now()).toISOString(), ...facts });
    for (const client of this.#clients) client.catchUp();
  }

  /** So many records failed a contract. */
  rejected(contract: string, reason: string, count: number): void {
    const key = JSON.stringify([contract, reason]);
    const gathered = this.#gathered.get(key);
    if (gathered) return void (gathered.count += count);
    const timer = setTimeout(() => {
      const { count: all } = this.#gathered.get(key)!;
      this.#gathered.delete(key);
      this.tell('rejections', { contract, reason, count: all });
    }, GATHERED_MS).unref();
    this.#gathered.set(key, { contract, reason, count, timer });
  }

  /** Why this caller cannot look now, in words. */
  refusal(caller: Caller | undefined): string | undefined {
    if (this.#closed || this.#clients.size >= CLIENTS_MAX)
      return `${CLIENTS_MAX} watch the console: that is as many as may`;
    const own = caller && [...this.#clients].filter((client) => client.caller?.name === caller.name);
    if (!own || own.length < CLIENTS_PER_TOKEN_MAX) return undefined;
    return `${CLIENTS_PER_TOKEN_MAX} watch the console with the token "${caller.name}": that is as many as may`;
  }

  /** @param lastEventId what the client had last, `0`: nothing yet; absent: it begins with what comes from now on */
  open(sink: Sink, lastEventId: string | undefined, caller: Caller | undefined): void {
    if (sink.destroyed || caller?.revoked.aborted) return sink.end();
    const position = lastEventId === undefined ? this.#kept.last : this.#positionOf(lastEventId);
    const gone = (one: Client): void => this.#gone(one);
    const client = new Client(sink, caller, this.startedAt, this.#kept, position ?? this.#kept.last, gone);
    this.#clients.add(client);
    if (position === undefined) client.missed();
    client.catchUp();
    this.#ticking ??= setInterval(() => void this.#tick(), STATUS_MS).unref();
    void this.status().then((status) => client.status(status));
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#gathered.values()) clearTimeout(timer);
    for (const client of this.#clients) client.close();
  }

  /** Undefined: it is of another run, or of none. */
  #positionOf(id: string): number | undefined {
    if (id === FROM_THE_FIRST) return this.#kept.first - 1;
    const [, run, number] = /^(.+)-(\d{1,15})$/.exec(id) ?? [];
    const position = Number(number);
    return run === this.startedAt && position <= this.#kept.last ? position : undefined;
  }

  async #tick(): Promise<void> {
    const status = await this.status();
    for (const client of this.#clients) client.status(status);
  }

  #gone(client: Client): void {
    this.#clients.delete(client);
    if (this.#clients.size > 0) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }
}
