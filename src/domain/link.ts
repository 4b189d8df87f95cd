import type { Cause, Diagnosis } from './cause.js';

/** The link is the connection to the broker and the session on it. What others may see of it. */

/** One drop, or a refusal and those of the same outage that were like it, with what is known of it. */
export interface LinkDrop extends Diagnosis {
  /** ISO 8601; of several the last. */
  at: string;
  /** Whether the link had been up; if not, the connect was refused or failed. */
  wasUp: boolean;
  /** How many there were, from 2; absent: one. */
  count?: number;
  /** ISO 8601: the first of several; absent: there was one. */
  firstAt?: string;
  /** ISO 8601: when the link was up again; absent: it has not been since, or an older version has not noted it. */
  backAt?: string;
}

export interface LinkStatus {
  /** `waiting`: between two attempts. */
  state: 'idle' | 'connecting' | 'up' | 'waiting' | 'stopped';
  /** ISO 8601: when the next attempt is due; there only while it waits for that. */
  retryAt?: string;
  clientId: string;
  /** Without credentials. */
  url: string;
  protocol: '5' | '3.1.1';
  sessionPresent: boolean;
  /** ISO 8601: since when the state holds. */
  since: string;
  pendingAcks: number;
  /** Names of subscriptions the broker has granted. */
  subscribed: string[];
  /** Names of subscriptions the broker refuses, with its code; null: it hung up on them instead of answering. */
  denied: { [subscription: string]: SubscribeAnswer };
  /** Of those it hung up on, until when they are left alone at the most: ISO 8601. */
  setAside: { [subscription: string]: string };
  /** Names of subscriptions that were asked for some time ago and not answered; they are asked for again. */
  unanswered: string[];
  counters: LinkCounters;
  /** The last {@link LINK_DROPS_KEPT}, newest first, over restarts. */
  drops: LinkDrop[];
  /** Absent when none is configured. */
  canary?: CanaryStatus;
}

export interface CanaryStatus {
  silent: boolean;
  /** Seconds that the last probe took to come back; while silent, how long the missing one has been away. */
  seconds: number;
  /** Why it is silent; absent while it is not. */
  diagnosis?: Diagnosis;
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
  | { kind: 'down' }
  /** Why it went down: told with or soon after `down`, at the latest when the next attempt has ended. */
  | { kind: 'dropped'; diagnosis: Diagnosis }
  | { kind: 'refused'; diagnosis: Diagnosis }
  /** The broker forgot the session; messages may be missing between these wall-clock instants. `from` 0: not known. */
  | { kind: 'session-lost'; from: number; to: number }
  /** The canary fell silent, or came back; `already`: it was silent, and why is another reason now. */
  | { kind: 'canary'; silent: true; diagnosis: Diagnosis; already: boolean }
  | { kind: 'canary'; silent: false }
  /** The broker sent a message on a topic that is the gateway's own. */
  | { kind: 'own-topic'; topic: string }
  /** What the broker said to a SUBSCRIBE; null: it hung up on it more than once, and it is set aside. */
  | { kind: 'subscription'; name: string; code: SubscribeAnswer }
  /** It hangs up when it is to let go of this filter: that is tried again later, and what it sends of it is kept. */
  | { kind: 'spared'; filter: string }
  /** It has not said anything. */
  | { kind: 'unanswered'; name: string }
  | { kind: 'presence'; problem: PresenceProblem };

/** Why the birth message or the will is not what others see of the gateway. */
export interface PresenceProblem {
  message: 'birth' | 'will';
  problem: string;
}

/** The code of a SUBACK; null: the broker hung up on the filter, so that it is not asked for now. */
export type SubscribeAnswer = number | null;

/** Whether it is a refusal [MQTT 5.0, 2.4]: a code from 0x80, or a hang-up. */
export function isDenied(answer: SubscribeAnswer): boolean {
  return answer === null || answer >= 0x80;
}
