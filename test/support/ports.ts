import { createServer } from 'node:net';

/**
 * Below every system's ephemeral ports: whoever connects out is given one of those, and a listener that
 * is about to start, or to come back, would find its port taken.
 */
const FIRST = 10_000;
const LAST = 32_000;
/** `fetch` refuses to go there, whoever listens (the Fetch standard's bad ports). */
const FORBIDDEN = 10_080;
const TRIES_MAX = 1_000;

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (port !== FORBIDDEN && (await isFree(port))) return port;
  }
  throw new Error(`no port between ${FIRST} and ${LAST} is free`);
}

/** Different ones. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
