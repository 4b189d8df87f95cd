/**
 * A webhook app that costs as little as possible: it answers 204 to whatever has a Content-Length, in a process of its
 * own. A payload that starts with `{"t":<milliseconds>` is timed. Told `{ expect }` it starts over, says `{ ready }`,
 * and reports when so many requests have arrived.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface Arrivals {
  count: number;
  /** The first and the last arrival, in milliseconds since the epoch. */
  firstAt: number;
  lastAt: number;
  /** From publish to webhook; NaN when nothing was timed. */
  p50Ms: number;
  p99Ms: number;
}

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
const HEADERS_END = Buffer.from('\r\n\r\n');
const LATENCIES_MAX = 2_000_000;

const BATCH_TYPE = 'application/cloudevents-batch+json';
const EVENT = Buffer.from('"specversion"');

let expected = 0;
let count = 0;
let firstAt = 0;
let lastAt = 0;
const latencies = new Float64Array(LATENCIES_MAX);
let timed = 0;

function now(): number {
  return performance.timeOrigin + performance.now();
}

function arrived(body: Buffer, records: number): void {
  lastAt = now();
  if (count === 0) firstAt = lastAt;
  const before = count;
  count += records;
  const sent = timed < LATENCIES_MAX ? /^\{"t":([\d.]+)/.exec(body.toString('latin1', 0, 40))?.[1] : undefined;
  if (sent) latencies[timed++] = lastAt - Number(sent);
  if (before < expected && count >= expected) process.send?.(report());
}

/** A batch counts as the records in it. */
function eventsIn(batch: Buffer): number {
  let events = 0;
  for (let at = batch.indexOf(EVENT); at >= 0; at = batch.indexOf(EVENT, at + EVENT.length)) events++;
  return events;
}

function report(): Arrivals {
  const sorted = latencies.slice(0, timed).sort();
  const at = (share: number): number => sorted[Math.min(timed - 1, Math.floor(timed * share))] ?? NaN;
  return { count, firstAt, lastAt, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function serve(socket: Socket): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk;
    for (;;) {
      const end = pending.indexOf(HEADERS_END);
      if (end < 0) return;
      const head = pending.toString('latin1', 0, end);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      const total = end + 4 + length;
      if (pending.length < total) return;
      const body = pending.subarray(end + 4, total);
      arrived(body, head.includes(BATCH_TYPE) ? eventsIn(body) : 1);
      pending = pending.subarray(total);
      socket.write(ANSWER);
    }
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on('message', ({ expect }: { expect: number }) => {
  expected = expect;
  count = timed = 0;
  process.send?.({ ready: true });
});
process.on('disconnect', () => process.exit(0));
