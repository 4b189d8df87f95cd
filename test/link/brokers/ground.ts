/** What every broker under examination has in common: the same users, the same rules, the same limits. */
import type { Tool } from '../../support/needs.js';

export type Protocol = '5' | '3.1.1';

/** What a gateway may do; the other topics are denied. */
export const ALLOWED = { read: ['devices/#'], write: ['commands/#'] };
export const LOGIN = { username: 'gateway', password: 'right' };
/** Knows its password, and is not let in. */
export const STRANGER = { username: 'stranger', password: 'right' };
/** May have one connection. */
export const SINGLE = { username: 'single', password: 'right' };
/** Where a broker has rules for client ids: they begin so. */
export const CLIENT_ID_PREFIX = 'gw-';
export const PACKET_BYTES_MAX = 64 * 1024;

/** A broker that runs. What is absent it does not have. */
export interface Site {
  port: number;
  /** It says, in its configuration, who may come in beside who knows a password. */
  stranger?: true;
  /** It refuses ids that do not begin with {@link CLIENT_ID_PREFIX}. */
  clientIds?: true;
  /** It takes no packet over {@link PACKET_BYTES_MAX}. */
  packetLimit?: true;
  tlsPort?: number;
  /** Where it does not speak MQTT. */
  wrongPath?: string;
  /** Ends this client's connection, as an administrator would. */
  kick?(clientId: string): void;
  /** A place that takes one connection. */
  crowded?(): Promise<{ port: number; login: { username: string; password: string }; end(): Promise<unknown> }>;
  stop(how: 'orderly' | 'killed'): Promise<unknown>;
  /** On the same port, after {@link stop}. */
  start(): Promise<unknown>;
  /** For good. */
  end(): Promise<unknown>;
  /** The last of what it logged. */
  log(): string;
}

/** A kind of broker. */
export interface Ground {
  name: string;
  needs: Tool[];
  protocols: Protocol[];
  version(): string;
  start(): Promise<Site>;
}

export function signalOf(how: 'orderly' | 'killed'): NodeJS.Signals {
  return how === 'orderly' ? 'SIGTERM' : 'SIGKILL';
}
