import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** So often the answers are looked at that nobody has taken yet. */
const LOOKING_MS = 100;
/** And after so many requests, which may all come in one turn of the event loop. */
const LOOKING_REQUESTS = 32;
/** With so many bytes of answers that its client has not taken, no further request of a connection is begun. */
const AHEAD_BYTES_MAX = 1024 * 1024;
/** Their answers may be of any size, whatever their requests are. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

interface Waiting {
  response: ServerResponse;
  begin: () => void;
}

/** What one connection is owed. */
interface Debt {
  /** Of requests that were begun, in their order. */
  answers: Set<ServerResponse>;
  /** Those that came behind them. */
  waiting: Waiting[];
  /** Its client has been given a time to take what it has asked for. */
  hurried: boolean;
  changed?: () => void;
}

export interface OwedSettings {
  /** Of all answers that were not taken yet. */
  bytesMax: number;
  /** A client that takes nothing of its answer is cut off after it. */
  stallMs: number;
  /** The time over which nothing moves otherwise. */
  silenceMs: number;
}

export interface OwedTold {
  /** Of each connection that is closed because of what it has not taken. */
  closed: () => void;
  /** Of each answer that was taken, or will not be. */
  ended: (response: ServerResponse) => void;
}

/**
 * The answers that connections are owed. HTTP lets a client ask and take no answer: what waits for it is bounded, for one
 * connection by not beginning its next request, for all of them by closing the one that is owed most.
 */
export class Owed {
  readonly #debts = new WeakMap<Socket, Debt>();
  /** The connections whose requests are not all answered: few of those that are open. */
  readonly #owing = new Map<Socket, Debt>();
  #looking: NodeJS.Timeout | undefined;
  #sinceLook = 0;

  constructor(
    private readonly settings: OwedSettings,
    private readonly told: OwedTold,
  ) {}

  start(): void {
    this.#looking = setInterval(() => this.look(), LOOKING_MS).unref();
  }

  stop(): void {
    clearInterval(this.#looking);
  }

  /** @param begin begins the request: now, or when those before it are answered */
  take(response: ServerResponse, begin: () => void): void {
    const { socket, method = '' } = response.req;
    if (++this.#sinceLook >= LOOKING_REQUESTS) this.look();
    const debt = this.#debtOf(socket);
    response.once('close', () => this.#answered(socket, debt, response));
    if (debt.waiting.length === 0 && mayBegin(debt, method)) {
      debt.answers.add(response);
      this.#owing.set(socket, debt);
      begin();
    } else debt.waiting.push({ response, begin });
  }

  /**
   * Calls back once everything that this connection is owed was sent, or at once.
   * @param but for it: its request has not come whole, and will not
   */
  settled(socket: Socket, but: ServerResponse | undefined, done: () => void): void {
    const debt = this.#debts.get(socket);
    const open = (): boolean => debt !== undefined && responsesOf(debt).some((one) => one !== but);
    if (!debt || !open()) return done();
    debt.changed = () => void (open() || done());
  }

  /** Closes the connections that are owed most, until the others are owed no more than all of them may be. */
  look(): void {
    this.#sinceLook = 0;
    let sum = 0;
    const owed: { socket: Socket; bytes: number }[] = [];
    for (const [socket, debt] of this.#owing) {
      const bytes = bytesOf(debt);
      if (bytes === 0) continue;
      sum += bytes;
      owed.push({ socket, bytes });
      this.#hurry(socket, debt);
    }
    if (sum <= this.settings.bytesMax) return;
    owed.sort((one, other) => other.bytes - one.bytes);
    // One that is larger alone could otherwise never be taken.
    while (sum > this.settings.bytesMax && owed.length > 1) {
      const { socket, bytes } = owed.shift()!;
      sum -= bytes;
      this.told.closed();
      socket.destroy();
    }
  }

  #debtOf(socket: Socket): Debt {
    const known = this.#debts.get(socket);
    if (known) return known;
    const debt: Debt = { answers: new Set(), waiting: [], hurried: false };
    this.#debts.set(socket, debt);
    socket.once('close', () => {
      this.#owing.delete(socket);
      // Of those behind the first Node says nothing.
      for (const response of responsesOf(debt)) this.told.ended(response);
    });
    return debt;
  }

  /** Only who is slow gets a timer of his own. */
  #hurry(socket: Socket, debt: Debt): void {
    const [first] = debt.answers;
    if (debt.hurried || !first?.writableEnded) return;
    debt.hurried = true;
    socket.setTimeout(this.settings.stallMs);
  }

  #answered(socket: Socket, debt: Debt, response: ServerResponse): void {
    debt.answers.delete(response);
    this.told.ended(response);
    if (socket.destroyed) return;
    while (debt.waiting.length > 0 && mayBegin(debt, debt.waiting[0]!.response.req.method!)) {
      const next = debt.waiting.shift()!;
      debt.answers.add(next.response);
      next.begin();
    }
    if (debt.answers.size === 0) this.#owing.delete(socket);
    // With nothing left it is Node's to say how long it may wait for the next request.
    if (debt.hurried && debt.answers.size > 0) socket.setTimeout(this.settings.silenceMs);
    debt.hurried = false;
    debt.changed?.();
  }
}

function mayBegin(debt: Debt, method: string): boolean {
  if (debt.answers.size === 0) return true;
  return !READS.has(method) && bytesOf(debt) <= AHEAD_BYTES_MAX;
}

function responsesOf({ answers, waiting }: Debt): ServerResponse[] {
  return [...answers, ...waiting.map(({ response }) => response)];
}

/** In the socket, and in the answers that have to wait for those before them. */
function bytesOf({ answers }: Debt): number {
  let bytes = 0;
  for (const { writableLength } of answers) bytes += writableLength;
  return bytes;
}
