/** What REST answers with, as far as the page shows it; docs/subscribers.md and docs/replay.md say more. */
import type { Payload } from './payload.js';
import type { ToldLetter } from './types.js';

export interface SubscriberView {
  id: string;
  source: 'file' | 'handler' | 'registered' | 'absent';
  url?: string;
  topics: string[];
  state: string;
  reason: string;
  heldUntil?: string;
  lagRecords: number;
  lagSeconds: number;
  waiting: number;
  inFlight: number;
  replays: { from: number; through: number; position: number }[];
}

export interface TestAnswer {
  outcome: string;
  status: number;
  durationMs: number;
  reason: string;
  detail: string;
}

export interface RecordView extends Payload {
  position: number;
  id: string;
  topic: string;
  qos: number;
  retain: boolean;
  receivedAt: string;
  properties?: { contentType?: string; userProperties?: [string, string][] };
}

export interface DeadLetter extends ToldLetter {
  number: number;
  at: string;
}

export interface Rejection {
  position: number;
  id: string;
  topic: string;
  contract: string;
  reason: string;
  problems: { pointer: string; rule: string; message: string; expected?: string; sample?: string }[];
  at: string;
  replays: number;
}

export type WithRecord<T> = T & { record?: RecordView };

export interface Page<T> {
  items: T[];
  next?: number;
}

export interface ReplayAnswer {
  replayed: number;
  remaining?: number;
  skipped: { [why: string]: number };
  next?: number;
}

/** Of two answers to one selection. What remains is what the last one says. */
export function addReplays(sum: ReplayAnswer, { replayed, remaining, skipped }: ReplayAnswer): ReplayAnswer {
  const all = { ...sum.skipped };
  for (const [why, count] of Object.entries(skipped)) all[why] = (all[why] ?? 0) + count;
  return { replayed: sum.replayed + replayed, remaining, skipped: all };
}

/** The sentence that ends a replay. */
export function replayInWords({ replayed, remaining = 0, skipped }: ReplayAnswer): string {
  const parts = [`${replayed} given again.`];
  if (remaining > 0)
    parts.push(`${remaining} remain, because as many wait for their subscriber as may: try again later.`);
  for (const [why, count] of Object.entries(skipped))
    if (count > 0) parts.push(`${count} stay (${SKIPPED[why] ?? why}).`);
  return parts.join(' ');
}

const SKIPPED: { readonly [why: string]: string } = {
  contract: 'they fail the contract of today',
  filter: 'the subscriber’s filter does not want them any more',
  subscriber: 'nobody serves their subscriber any more',
  damaged: 'their record is damaged',
  missing: 'they are gone',
};

/** What a receiver did, or what went wrong instead. */
export function failureInWords({ reason, status }: { reason: string; status: number }): string {
  if (status === 0) return reason;
  return reason === 'status' ? `status ${status}` : `${reason}, status ${status}`;
}

/** A query string of what is not empty, with its question mark. */
export function query(fields: { readonly [name: string]: string | number | undefined }): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
