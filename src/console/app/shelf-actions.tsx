/** Giving again and giving up: one, those selected, those that match, all. Each asks first. */
import { many } from '../shown/format.js';
import { addReplays, query, replayInWords, type ReplayAnswer } from '../shown/rest.js';
import { visible } from '../shown/text.js';
import { throughAll } from '../shown/through-all.js';
import { sure } from './ask.js';
import { call, open, problemIn } from './gateway.js';
import type { Kind } from './shelf.js';
import type { ViewerAction } from './viewer.js';

/** Query parameters, as they were typed. */
export interface Wanted {
  [name: string]: string;
}

export interface Deeds {
  /** @param what as in "Replay …?" @returns whether it was tried */
  replay: (selection: object, what: string) => Promise<boolean>;
  /** @param wanted empty: everything */
  removeAll: (wanted: Wanted, what: string) => Promise<boolean>;
  remove: (keys: readonly number[], what: string) => Promise<boolean>;
  ofOne: (key: number) => ViewerAction[];
}

/** @param say is told how it goes @param done is told what it came to */
export function deedsOf<T>(kind: Kind<T>, say: (words: string) => void, done: (words: string) => void): Deeds {
  const deed = async (question: Parameters<typeof sure>[0], work: () => Promise<string>): Promise<boolean> => {
    if (!(await sure(question))) return false;
    say('Working …');
    await work().then(done, (error: unknown) => say(problemIn(error).detail));
    return true;
  };
  const replay: Deeds['replay'] = (selection, what) => {
    const meaning = 'Receivers see them again, under the ids they had. The contract of today is looked at first.';
    return deed({ what: `Replay ${what}?`, meaning, verb: 'Replay' }, async () => {
      const step = (after: number) =>
        call<ReplayAnswer>(`${kind.path}/replay`, {
          method: 'POST',
          body: { ...selection, ...(after > 0 ? { after } : {}) },
        });
      return replayInWords(await throughAll(step, addReplays, (sum) => say(`${replayInWords(sum)} Going on …`)));
    });
  };
  const removeAll: Deeds['removeAll'] = (wanted, what) =>
    deed({ what: `Delete ${what}?`, meaning: kind.loss, verb: 'Delete' }, async () => {
      const fields = Object.keys(wanted).length > 0 ? wanted : { all: 'true' };
      const step = (after: number) =>
        call<{ deleted: number; next?: number }>(`${kind.path}${query({ ...fields, after: after || undefined })}`, {
          method: 'DELETE',
        });
      const sum = await throughAll(step, (a, b) => ({ deleted: a.deleted + b.deleted }));
      return `${many(sum.deleted, kind.one)} deleted.`;
    });
  const remove: Deeds['remove'] = (keys, what) =>
    deed({ what: `Delete ${what}?`, meaning: kind.loss, verb: 'Delete' }, async () => {
      let gone = 0;
      for (const key of keys) gone += await removeOne(`${kind.path}/${key}`);
      const missing = keys.length - gone;
      return `${many(gone, kind.one)} deleted.${missing === 0 ? '' : ` ${missing} ${missing === 1 ? 'was' : 'were'} gone already.`}`;
    });
  const ofOne = (key: number): ViewerAction[] => [
    { verb: 'Replay', act: () => replay({ [kind.keyName]: [key] }, `${kind.one} ${key}`) },
    { verb: 'Delete', danger: true, act: () => remove([key], `${kind.one} ${key}`) },
  ];
  return { replay, removeAll, remove, ofOne };
}

/** @returns 0 when it was not there any more */
async function removeOne(path: string): Promise<number> {
  try {
    await open(path, { method: 'DELETE' });
    return 1;
  } catch (error) {
    if (problemIn(error).status !== 404) throw error;
    return 0;
  }
}

interface ActionParts<T> {
  kind: Kind<T>;
  wanted: Wanted;
  picked: readonly number[];
  /** How many match, or at least so many. */
  known: { count: number; atLeast: boolean };
  deeds: Deeds;
}

export function ShelfActions<T>({ kind, wanted, picked, known, deeds }: ActionParts<T>) {
  const narrowed = Object.keys(wanted).length > 0;
  const everything = narrowed ? 'all that match' : 'all';
  const which = allInWords(kind, wanted, known);
  const selection = narrowed ? asSelection(wanted) : { all: true };
  const selected = `the ${many(picked.length, kind.one)} selected`;
  const buttons: [name: string, act: () => Promise<boolean>, enabled?: boolean][] = [
    [`Replay selected (${picked.length})`, () => deeds.replay({ [kind.keyName]: picked }, selected), picked.length > 0],
    [`Delete selected (${picked.length})`, () => deeds.remove(picked, selected), picked.length > 0],
    [`Replay ${everything}`, () => deeds.replay(selection, which)],
    [`Delete ${everything}`, () => deeds.removeAll(wanted, which)],
  ];
  return (
    <div class="actions">
      {buttons.map(([name, act, enabled = true], index) => (
        <button
          key={index}
          type="button"
          class={index === 0 ? 'small' : 'secondary small'}
          disabled={!enabled}
          onClick={() => void act()}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

/** All that match, as in "Delete …?": how many, and what they match. */
function allInWords<T>({ one, filters }: Kind<T>, wanted: Wanted, known: ActionParts<T>['known']): string {
  const matched = filters
    .filter(([name]) => wanted[name] !== undefined)
    .map(([name, label]) => `${label.toLowerCase()} “${visible(wanted[name]!)}”`);
  const what = known.atLeast ? `all ${one}s` : `all ${many(known.count, one)}`;
  const where = matched.length === 0 ? '' : ` with ${matched.join(' and ')}`;
  return `${what}${where}${known.atLeast && known.count > 0 ? ` (${known.count} and more)` : ''}`;
}

/** A body has lists where a query has one parameter several times. */
function asSelection({ topic, ...others }: Wanted): object {
  return { ...others, ...(topic === undefined ? {} : { topic: [topic] }) };
}
