/**
 * Callers of a REST address that cost as little as possible: raw sockets that are kept alive, in a process of their own.
 * Told `{ port, callers, count }` each asks again as soon as it is answered; with `perSecond` they ask at that rate, and
 * what has to wait for a free caller counts from when it was due. Reports {@link Called}.
 */
import { connect, type Socket } from 'node:net';

export interface Calling {
  port: number;
  callers: number;
  count: number;
  perSecond?: number;
}

export interface Called {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers other than 200. */
  others: number;
}

const PAYLOAD = 'x'.repeat(200);
const TOPICS = 100;
const OK = Buffer.from('HTTP/1.1 200 ');
const HEADERS_END = Buffer.from('\r\n\r\n');

function request(n: number): Buffer {
  const body = JSON.stringify({ topic: `commands/${n % TOPICS}`, payload: `${n} ${PAYLOAD}` });
  const head = `POST /v1/publish HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  return Buffer.from(`${head}\r\n\r\n${body}`);
}

/** Whether a whole answer is there. */
function whole(answer: Buffer): boolean {
  const end = answer.indexOf(HEADERS_END);
  if (end === -1) return false;
  const length = /content-length: (\d+)/i.exec(answer.toString('latin1', 0, end))?.[1];
  if (length === undefined) throw new Error('an answer without a length');
  return answer.length >= end + HEADERS_END.length + Number(length);
}

class Callers {
  readonly #latencies: number[] = [];
  readonly #idle: Socket[] = [];
  /** When the calls that nobody is free for were due. */
  readonly #due: number[] = [];
  #asked = 0;
  #others = 0;
  #started = 0;
  readonly #done = Promise.withResolvers<Called>();

  constructor(private readonly calling: Calling) {}

  async run(): Promise<Called> {
    const { callers, count, port, perSecond } = this.calling;
    const sockets = await Promise.all(Array.from({ length: callers }, () => connected(port)));
    this.#started = performance.now();
    if (perSecond === undefined) for (const socket of sockets) this.#next(socket);
    else {
      this.#idle.push(...sockets);
      let planned = 0;
      const timer = setInterval(() => {
        const due = Math.min(count, Math.floor(((performance.now() - this.#started) * perSecond) / 1_000));
        for (; planned < due; planned++) this.#due.push(this.#started + (planned * 1_000) / perSecond);
        while (this.#idle.length > 0 && this.#due.length > 0) this.#ask(this.#idle.pop()!, this.#due.shift()!);
        if (planned === count) clearInterval(timer);
      }, 1);
    }
    const called = await this.#done.promise;
    for (const socket of sockets) socket.destroy();
    return called;
  }

  #next(socket: Socket): void {
    if (this.calling.perSecond !== undefined) {
      const due = this.#due.shift();
      if (due === undefined) this.#idle.push(socket);
      else this.#ask(socket, due);
    } else if (this.#asked < this.calling.count) this.#ask(socket, performance.now());
  }

  #ask(socket: Socket, due: number): void {
    let pending: Buffer = Buffer.alloc(0);
    socket.write(request(this.#asked++));
    const hear = (chunk: Buffer): void => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      if (!whole(pending)) return;
      socket.off('data', hear);
      if (pending.compare(OK, 0, OK.length, 0, OK.length) !== 0) this.#others++;
      this.#latencies.push(performance.now() - due);
      if (this.#latencies.length === this.calling.count) this.#done.resolve(this.#report());
      else this.#next(socket);
    };
    socket.on('data', hear);
  }

  #report(): Called {
    const seconds = (performance.now() - this.#started) / 1_000;
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)]!;
    return { perSecond: sorted.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), others: this.#others };
  }
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.setNoDelay(true).on('error', reject);
  });
}

process.on('message', (calling: Calling) => void new Callers(calling).run().then((called) => process.send?.(called)));
process.on('disconnect', () => process.exit(0));
