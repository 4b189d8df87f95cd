import type { Cause, Diagnosis } from './cause.js';

/** The link is the connection to the broker and the session on it. What others may see of it. */

export const LINK_PHASES = ['idle', 'connecting', 'up', 'waiting', 'stopped'] as const;
export type LinkPhase = (typeof LINK_PHASES)[number];

/** One drop or refusal, with what is known of it. */
export interface LinkDrop extends Diagnosis {
  /** Wall clock, milliseconds since the epoch. */
  at: number;
  /** Whether the link had been up; if not, the connect was refused or failed. */
  wasUp: boolean;
}

export interface LinkStatus {
  phase: LinkPhase;
  clientId: string;
  /** Without credentials. */
  url: string;
  protocol: '5' | '3.1.1';
  sessionPresent: boolean;
  /** Wall clock, milliseconds: since when the phase holds. */
  since: number;
  pendingAcks: number;
  /** Names of subscriptions the broker has granted. */
  subscribed: string[];
  /** Names of subscriptions the broker refuses, with its code. */
  denied: { [subscription: string]: number };
  counters: LinkCounters;
  /** The last {@link LINK_DROPS_KEPT}, newest first. */
  drops: LinkDrop[];
}

export const LINK_DROPS_KEPT = 100;

/** Since the process started. */
export interface LinkCounters {
  connects: number;
  reconnects: number;
  /** Messages taken from the socket, by QoS. */
  received: [number, number, number];
  journaled: number;
  /** QoS 0 over the bound. */
  dropped: number;
  /** Sent again after a blip and recognised. */
  suppressed: number;
  published: number;
  refused: number;
}

/** What the link tells: one of these per change, in order. */
export type LinkEvent =
  | { kind: 'up'; sessionPresent: boolean; reconnect: boolean; after: Cause | undefined }
  | { kind: 'down'; diagnosis: Diagnosis }
  | { kind: 'refused'; diagnosis: Diagnosis }
  | { kind: 'session-lost' }
  | { kind: 'subscription'; name: string; code: number }
  | { kind: 'presence'; problem: PresenceProblem };

/** Why the birth message or the will is not what others see of the gateway. */
export interface PresenceProblem {
  message: 'birth' | 'will';
  problem: string;
}
