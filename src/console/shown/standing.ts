/** How a subscriber stands, at a glance. */
import { count, many } from './format.js';
import type { SubscriberView } from './rest.js';
import type { SubscriberActivity } from './types.js';
import type { Level } from './verdict.js';

/** `rank`: the higher, the more it needs somebody. */
export function standing({ state, reason, source }: Pick<SubscriberView, 'state' | 'reason' | 'source'>): {
  level: Level;
  words: string;
  rank: number;
} {
  if (state === 'gone') return { level: 'critical', words: 'gone', rank: 5 };
  if (state === 'broken') return { level: 'warning', words: 'broken', rank: 4 };
  if (source === 'absent') return { level: 'warning', words: 'absent', rank: 3 };
  if (state === 'paused') return { level: 'info', words: 'paused', rank: 2 };
  if (reason !== '') return { level: 'info', words: 'throttled', rank: 1 };
  return { level: 'well', words: state, rank: 0 };
}

type Attempts = SubscriberActivity['attempts'];

/** Of the attempts that ended, those that delivered; undefined when there were none. */
export function successShare(attempts: Attempts): number | undefined {
  const all = Object.values(attempts).reduce((sum, one) => sum + one, 0);
  return all === 0 ? undefined : attempts.delivered / all;
}

export function attemptsOf(attempts: Attempts): string {
  const all = Object.values(attempts).reduce((sum, one) => sum + one, 0);
  return all === 0 ? 'no attempts' : `${count(attempts.delivered)} of ${many(all, 'attempt')}`;
}
