/**
 * A crowd of clients in a process of its own: `crowd.js PORT COUNT`. It keeps COUNT connections open, from many addresses
 * of this machine: some say nothing, some drip a head, some ask without a token again and again. What is closed comes
 * back. Each second it writes a line with what it has: `{"open": 9000, "opened": 12000, "refused": 0}`.
 */
import { connect } from 'node:net';

const [port, count] = process.argv.slice(2).map(Number) as [number, number];
/** Source addresses: one would have too few ports, and could be told apart. */
const ADDRESSES = 200;
const BACK_MS = 500;
/** New connections in each of so many milliseconds: those of a start are not all at once. */
const STEP_MS = 10;
const STEP = 50;

const seen = { open: 0, opened: 0, refused: 0 };

function join(number: number): void {
  const localAddress = `127.0.1.${1 + (number % ADDRESSES)}`;
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  let talk: NodeJS.Timeout | undefined;
  let isOpen = false;
  socket.on('connect', () => {
    isOpen = true;
    seen.open++;
    seen.opened++;
    if (number % 3 === 1) {
      socket.write('GET /v1/link HTTP/1.1\r\n');
      talk = setInterval(() => socket.write(`x-${number}: a\r\n`), 2_000);
    } else if (number % 3 === 2) {
      const ask = (): boolean => socket.write('GET /v1/link HTTP/1.1\r\nhost: localhost\r\n\r\n');
      ask();
      talk = setInterval(ask, 2_000);
    }
  });
  socket.on('error', () => (isOpen ? undefined : seen.refused++));
  socket.on('close', () => {
    if (isOpen) seen.open--;
    clearInterval(talk);
    setTimeout(join, BACK_MS, number);
  });
  socket.resume();
}

let joined = 0;
const joining = setInterval(() => {
  for (let i = 0; i < STEP && joined < count; i++) join(joined++);
  if (joined >= count) clearInterval(joining);
}, STEP_MS);
setInterval(() => process.stdout.write(`${JSON.stringify(seen)}\n`), 1_000);
