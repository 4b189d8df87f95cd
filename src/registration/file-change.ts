/** What may be said of a file's subscribers before any of them changes. */
import type { SubscriberSettings } from '../domain/subscriber.js';
import type { Entry } from './entry.js';

/** More than that are not served. */
export const SUBSCRIBERS_MAX = 1_000;
/** So many subscribers of a file change at once. */
export const CHANGES_MAX = 32;

/** Why a file may not hold one of its subscribers. */
export interface Unfit {
  /** Which of them; absent: all together. */
  index?: number;
  message: string;
  mend: string;
}

/** A subscriber of a file that could not be put in force, or taken out of it: it is as it was. */
export interface Failed {
  id: string;
  error: unknown;
}

/** What stands against these as the subscribers of the file. @param known all there are now */
export function unfitAmong(known: ReadonlyMap<string, Entry>, next: readonly SubscriberSettings[]): Unfit[] {
  const unfit: Unfit[] = next.flatMap(({ id }, index) => {
    if (known.get(id)?.source !== 'handler') return [];
    return [{ index, message: 'is the id of a handler of this process', mend: 'Give one of the two another id.' }];
  });
  const ids = new Set(next.map(({ id }) => id));
  const others = [...known].filter(([id, { source }]) => source !== 'file' && !ids.has(id)).length;
  const isMore = next.some(({ id }) => !known.has(id));
  if (isMore && others + next.length > SUBSCRIBERS_MAX) {
    const message = `are ${next.length}, and ${others} more are known that the file does not have`;
    unfit.push({ message, mend: `Keep to ${SUBSCRIBERS_MAX} in all: remove some here, or over REST.` });
  }
  return unfit;
}
