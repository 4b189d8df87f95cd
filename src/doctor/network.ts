/** Name and port: what has to work before anything of MQTT can. */
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { BrokerAddress } from './address.js';
import { failed, ok, skipped, warning, type Verdict } from './row.js';
import { seconds } from './words.js';

/** More are not tried: a name with more is a load balancer's business. */
const ADDRESSES_MAX = 8;

export interface Resolved {
  addresses: string[];
  verdict: Verdict;
}

export async function resolveName({ host }: BrokerAddress): Promise<Resolved> {
  if (isIP(host) !== 0)
    return { addresses: [host], verdict: skipped(`${host} is an address, there is nothing to resolve`) };
  try {
    const found = await lookup(host, { all: true });
    const addresses = [...new Set(found.map(({ address }) => address))];
    return { addresses, verdict: ok(`${host} is ${addresses.join(', ')}`) };
  } catch (error) {
    return { addresses: [], verdict: unresolved(host, (error as NodeJS.ErrnoException).code ?? 'unknown error') };
  }
}

function unresolved(host: string, code: string): Verdict {
  if (code === 'EAI_AGAIN') {
    return failed(
      `the name ${host} could not be looked up: the DNS server does not answer (${code})`,
      'Check the DNS of this machine or cluster; the gateway keeps trying.',
    );
  }
  return failed(
    `there is no host named ${host} (${code})`,
    'Check the spelling in broker.url, and that this machine sees the DNS zone the name is in.',
  );
}

interface Knock {
  address: string;
  tookMs: number;
  /** Absent: it accepts. */
  code?: string;
}

/** Knocks at every address of the name: one that is dead costs the gateway time at every reconnect. */
export async function knock(port: number, addresses: readonly string[], signal: AbortSignal): Promise<Verdict> {
  const knocks = await Promise.all(addresses.slice(0, ADDRESSES_MAX).map((address) => knockAt(address, port, signal)));
  return judgeKnocks(knocks, port);
}

function knockAt(address: string, port: number, signal: AbortSignal): Promise<Knock> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const answer = (code?: string): void => {
      socket.destroy();
      resolve({ address, tookMs: performance.now() - startedAt, ...(code === undefined ? {} : { code }) });
    };
    socket.once('connect', () => answer());
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code ?? error.message));
    signal.addEventListener('abort', () => answer('ETIMEDOUT'), { once: true });
  });
}

/** Pure: what the knocks mean together. */
export function judgeKnocks(knocks: readonly Knock[], port: number): Verdict {
  const open = knocks.filter(({ code }) => code === undefined);
  const shut = knocks.filter(({ code }) => code !== undefined);
  const accepts = open.map(({ address, tookMs }) => `${at(address, port)} accepts after ${seconds(tookMs)}`);
  const refuses = shut.map(({ address, code }) => `${at(address, port)} ${inWords(code!)}`);
  const seen = [...accepts, ...refuses].join('; ');
  if (open.length === 0) return failed(seen, mendFor(shut[0]?.code ?? ''));
  // Localhost has two addresses and brokers often listen on one; a refusal costs nothing.
  const harmless = shut.every(({ address, code }) => code === 'ECONNREFUSED' && /^(127\.|::1$)/.test(address));
  if (harmless) return ok(seen);
  return warning(seen, 'Some addresses of the name are dead: take them out of DNS, or mend what is behind them.');
}

function at(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

function inWords(code: string): string {
  if (code === 'ECONNREFUSED') return 'refuses: nothing listens there (ECONNREFUSED)';
  if (code === 'ETIMEDOUT') return 'does not answer (ETIMEDOUT)';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return `cannot be reached: no route (${code})`;
  return `cannot be reached (${code})`;
}

function mendFor(code: string): string {
  if (code === 'ECONNREFUSED')
    return 'Start the broker, or mend the port in broker.url (1883 plain, 8883 TLS are usual).';
  if (code === 'ETIMEDOUT')
    return 'A firewall, security group or network policy swallows the connection, or the host is down.';
  return 'Check the network between this machine and the broker.';
}
