import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { unfolded } from './connection.js';
import type { Afterwards } from './evidence.js';

/** When it is asked. A broker that restarts refuses at once, or soon after it has closed its clients. */
const KNOCK_AT_MS = [0, 100, 300, 1_000, 3_000];
const ANSWER_MS_MAX = 3_000;
/** A load balancer with nobody behind it takes a connection and closes it again. */
const HELD_MS = 100;
const PORTS: { [protocol: string]: number } = { 'mqtt:': 1_883, 'mqtts:': 8_883, 'ws:': 80, 'wss:': 443 };

/** Taken, and let go at once: by a load balancer with nobody behind it, or a broker that is just going away. */
const LET_GO = new Set(['closed', 'ECONNRESET']);

/**
 * Whether the broker that closed a link without a word is still there, seen from TCP alone: a CONNECT would take the
 * session from whoever may have it. Opens and closes a few connections, sends nothing, and takes three seconds when
 * the broker is there, less when it is not.
 * @returns undefined when the signal ended it before anything was seen that speaks against the broker
 */
export async function knock(url: string, signal: AbortSignal): Promise<Afterwards | undefined> {
  const beganAt = performance.now();
  let wasLetGo = false;
  for (const atMs of KNOCK_AT_MS) {
    const waitMs = Math.max(0, beganAt + atMs - performance.now());
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    const problem = signal.aborted ? undefined : await knockOnce(url, signal);
    if (signal.aborted) return wasLetGo ? away('likely') : undefined;
    if (problem === 'ECONNREFUSED') return away('certain');
    if (problem !== undefined && !LET_GO.has(problem)) return away('likely');
    wasLetGo ||= problem !== undefined;
  }
  return wasLetGo ? away('likely') : { kind: 'there' };
}

function away(confidence: 'certain' | 'likely'): Afterwards {
  return { kind: 'refused', cause: 'broker-unreachable', confidence, orderly: false };
}

/** @returns what went wrong; undefined when somebody took the connection and kept it */
function knockOnce(url: string, signal: AbortSignal): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve) => {
    const socket = connect({ host, port: port === '' ? PORTS[protocol]! : Number(port) });
    const answer = (problem?: string): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.destroy();
      resolve(problem);
    };
    const aborted = (): void => answer('aborted');
    signal.addEventListener('abort', aborted);
    let timer = setTimeout(() => answer('ETIMEDOUT'), ANSWER_MS_MAX);
    socket.resume();
    socket.once('connect', () => {
      clearTimeout(timer);
      timer = setTimeout(answer, HELD_MS);
    });
    socket.once('error', (error) => answer(problemOf(error)));
    socket.once('close', () => answer('closed'));
  });
}

/** Of a host with several addresses, one that refuses says the most. */
function problemOf(error: Error): string {
  const problems = unfolded(error).map(({ code, message }: NodeJS.ErrnoException) => code ?? message);
  return problems.find((problem) => problem === 'ECONNREFUSED') ?? problems[0]!;
}
