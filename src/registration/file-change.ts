/** What may be said of a file's subscribers before any of them changes. */
import type { Registration, SubscriberSettings } from '../domain/subscriber.js';
import type { Entry } from './entry.js';
import type { Standing } from './parts.js';

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

/** Those who stay when they leave the file: something is left to be given to them, or they are registered, too. */
export function staying(standings: readonly Standing[], registrations: readonly Registration[]): Set<string> {
  const behind = standings.filter(({ lagRecords, replays }) => lagRecords > 0 || replays.length > 0);
  return new Set([...behind, ...registrations].map(({ id }) => id));
}

/**
 * What stands against these as the subscribers of the file.
 * @param known all there are now @param stays says which of them stay when they leave the file: {@link staying}
 */
export function unfitAmong(
  known: ReadonlyMap<string, Entry>,
  next: readonly SubscriberSettings[],
  stays: () => ReadonlySet<string>,
): Unfit[] {
  const unfit: Unfit[] = next.flatMap(({ id }, index) => {
    if (known.get(id)?.source !== 'handler') return [];
    return [{ index, message: 'is the id of a handler of this process', mend: 'Give one of the two another id.' }];
  });
  const tooMany = next.some(({ id }) => !known.has(id)) ? tooManyWith(known, next, stays) : undefined;
  return tooMany ? [...unfit, tooMany] : unfit;
}

function tooManyWith(
  known: ReadonlyMap<string, Entry>,
  next: readonly SubscriberSettings[],
  stays: () => ReadonlySet<string>,
): Unfit | undefined {
  const ids = new Set(next.map(({ id }) => id));
  const others = [...known].filter(([id]) => !ids.has(id));
  if (others.length + next.length <= SUBSCRIBERS_MAX) return undefined;
  const them = stays();
  const stay = others.filter(([id, { source }]) => source !== 'file' || them.has(id));
  if (stay.length + next.length <= SUBSCRIBERS_MAX) return undefined;
  const held = stay.filter(([, { source }]) => source === 'file' || source === 'absent').length;
  const message = `are ${next.length}, and ${stay.length} more are known that the file does not have`;
  const keep = `Keep to ${SUBSCRIBERS_MAX} in all: remove some here, or over REST.`;
  if (held === 0) return { message, mend: keep };
  return {
    message: `${message}; ${held} of those would be held, with what they have yet to be given`,
    mend:
      'Take the old ones out first; give up what they hold with DELETE /v1/subscribers/ID?discardBacklog=true, or let ' +
      'them come to rest before; then put the new ones in. Or restart the gateway: it starts with this file.',
  };
}
