/**
 * A webhook app that costs as little as possible: it answers 204 to whatever has a Content-Length, in a process of its
 * own. A payload that starts with `{"t":<milliseconds>` is timed. Asked for `report`, it tells its parent the
 * count, the first and last arrival, and the latencies' percentiles; `reset` starts over.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
const HEADERS_END = Buffer.from('\r\n\r\n');
const LATENCIES_MAX = 2_000_000;

let count = 0;
let firstAt = 0;
let lastAt = 0;
const latencies = new Float64Array(LATENCIES_MAX);
let timed = 0;

function now(): number {
  return performance.timeOrigin + performance.now();
}

function arrived(body: Buffer): void {
  lastAt = now();
  if (count++ === 0) firstAt = lastAt;
  if (body[0] !== 0x7b || timed >= LATENCIES_MAX) return;
  const sent = /^\{"t":([\d.]+)/.exec(body.toString('latin1', 0, 40))?.[1];
  if (sent) latencies[timed++] = lastAt - Number(sent);
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
      const length = Number(/content-length: *(\d+)/i.exec(pending.toString('latin1', 0, end))?.[1] ?? 0);
      const total = end + 4 + length;
      if (pending.length < total) return;
      arrived(pending.subarray(end + 4, total));
      pending = pending.subarray(total);
      socket.write(ANSWER);
    }
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

process.on('message', (message: 'report' | 'reset' | 'exit') => {
  if (message === 'exit') process.exit(0);
  if (message === 'reset') {
    count = timed = 0;
    process.send?.({});
    return;
  }
  const sorted = latencies.slice(0, timed).sort();
  const at = (share: number): number => sorted[Math.min(timed - 1, Math.floor(timed * share))] ?? NaN;
  process.send?.({ count, firstAt, lastAt, p50Ms: at(0.5), p99Ms: at(0.99) });
});
