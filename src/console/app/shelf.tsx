/** What could not be delivered or taken in: looked at, narrowed, given again, given up. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { count, many } from '../shown/format.js';
import { addReplays, query, replayInWords, type Page, type ReplayAnswer } from '../shown/rest.js';
import { visible } from '../shown/text.js';
import { throughAll } from '../shown/through-all.js';
import type { Told } from '../shown/types.js';
import { sure } from './ask.js';
import { call, may, problemIn } from './gateway.js';
import { Panel, ProblemNote, Table } from './parts.js';
import { useRead } from './read.js';

export interface Kind<T> {
  title: string;
  /** `one`: as in "1 dead letter". */
  one: string;
  path: string;
  keyName: 'numbers' | 'positions';
  keyOf: (item: T) => number;
  /** Query parameters and what they are called. */
  filters: readonly [name: string, label: string][];
  keyHead: string;
  heads: string[];
  cells: (item: T) => ComponentChildren[];
  /** What being given up means. */
  loss: string;
  on: readonly Told['name'][];
  open: (item: T) => void;
}

interface Wanted {
  [name: string]: string;
}

export function Shelf<T>({ kind }: { kind: Kind<T> }) {
  const [typed, setTyped] = useState<Wanted>({});
  const [wanted, setWanted] = useState<Wanted>({});
  const [picked, setPicked] = useState<ReadonlySet<number>>(new Set());
  const [more, setMore] = useState<{ of: string; pages: Page<T>[] }>({ of: '', pages: [] });
  const [said, say] = useState('');
  const path = `${kind.path}${query({ ...wanted, limit: 50 })}`;
  const first = useRead<Page<T>>(path, 5_000, kind.on);
  const pages = [...(first.data ? [first.data] : []), ...(more.of === path ? more.pages : [])];
  const items = unique(
    kind,
    pages.flatMap((page) => page.items),
  );
  const next = pages.at(-1)?.next;
  const load = async (): Promise<void> => {
    try {
      const page = await call<Page<T>>(`${kind.path}${query({ ...wanted, limit: 50, after: next })}`);
      setMore({ of: path, pages: [...(more.of === path ? more.pages : []), page] });
    } catch (error) {
      say(problemIn(error).detail);
    }
  };
  const done = (words: string): void => {
    say(words);
    setPicked(new Set());
    setMore({ of: '', pages: [] });
    first.again();
  };
  const toggle = (key: number): void => {
    const changed = new Set(picked);
    if (!changed.delete(key)) changed.add(key);
    setPicked(changed);
  };
  return (
    <Panel
      title={kind.title}
      aside={<small>{first.data && `${count(items.length)}${next === undefined ? '' : '+'}`}</small>}
    >
      <Filters kind={kind} typed={typed} setTyped={setTyped} apply={() => setWanted(filled(typed))} />
      <ProblemNote problem={first.problem} />
      {may('admin') && items.length > 0 && (
        <Actions kind={kind} wanted={wanted} picked={picked} say={say} done={done} />
      )}
      <p role="status">{visible(said)}</p>
      {first.data && items.length === 0 && (
        <p class="empty">{next === undefined ? `No ${kind.one} is there.` : 'None among those that were looked at.'}</p>
      )}
      {items.length > 0 && (
        <Table label={kind.title} heads={['', kind.keyHead, ...kind.heads]}>
          {items.map((item) => (
            <Row key={kind.keyOf(item)} kind={kind} item={item} picked={picked} toggle={toggle} />
          ))}
        </Table>
      )}
      {next !== undefined && (
        <button type="button" class="secondary" onClick={() => void load()}>
          Show more
        </button>
      )}
    </Panel>
  );
}

function Row<T>(props: { kind: Kind<T>; item: T; picked: ReadonlySet<number>; toggle: (key: number) => void }) {
  const { kind, item, picked, toggle } = props;
  const key = kind.keyOf(item);
  return (
    <tr>
      <td>
        <input type="checkbox" aria-label={`Select ${key}`} checked={picked.has(key)} onChange={() => toggle(key)} />
      </td>
      <td>
        <button type="button" class="plain" onClick={() => kind.open(item)} aria-label={`Look at ${key}`}>
          {key}
        </button>
      </td>
      {kind.cells(item).map((cell, index) => (
        <td key={index} class="clip">
          {cell}
        </td>
      ))}
    </tr>
  );
}

function Filters<T>(props: { kind: Kind<T>; typed: Wanted; setTyped: (typed: Wanted) => void; apply: () => void }) {
  const { kind, typed, setTyped, apply } = props;
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      {kind.filters.map(([name, label]) => (
        <label key={name}>
          {label}
          <input
            name={name}
            value={typed[name] ?? ''}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
          />
        </label>
      ))}
      <button type="submit" class="secondary">
        Filter
      </button>
    </form>
  );
}

interface ActionParts<T> {
  kind: Kind<T>;
  wanted: Wanted;
  picked: ReadonlySet<number>;
  say: (words: string) => void;
  done: (words: string) => void;
}

function Actions<T>({ kind, wanted, picked, say, done }: ActionParts<T>) {
  const narrowed = Object.keys(wanted).length > 0;
  const everything = narrowed ? 'all that match' : 'all';
  const replay = async (selection: object, what: string): Promise<void> => {
    const meaning = 'Receivers see them again, under the ids they had. The contract of today is looked at first.';
    if (!(await sure({ what: `Replay ${what}?`, meaning, verb: 'Replay' }))) return;
    await run(async () => {
      const step = (after: number) =>
        call<ReplayAnswer>(`${kind.path}/replay`, {
          method: 'POST',
          body: { ...selection, ...(after > 0 ? { after } : {}) },
        });
      done(replayInWords(await throughAll(step, addReplays, (sum) => say(`${replayInWords(sum)} Going on …`))));
    });
  };
  const remove = async (): Promise<void> => {
    const what = `Delete ${everything}${narrowed ? '' : ` of the ${kind.one}s`}?`;
    if (!(await sure({ what, meaning: kind.loss, verb: 'Delete' }))) return;
    const fields = narrowed ? wanted : { all: 'true' };
    await run(async () => {
      const step = (after: number) =>
        call<{ deleted: number; next?: number }>(`${kind.path}${query({ ...fields, after: after || undefined })}`, {
          method: 'DELETE',
        });
      const sum = await throughAll(step, (a, b) => ({ deleted: a.deleted + b.deleted }));
      done(`${many(sum.deleted, kind.one)} deleted.`);
    });
  };
  const run = async (work: () => Promise<void>): Promise<void> => {
    say('Working …');
    await work().catch((error: unknown) => say(problemIn(error).detail));
  };
  const selection = narrowed ? asSelection(wanted) : { all: true };
  return (
    <div class="actions">
      <button
        type="button"
        class="small"
        disabled={picked.size === 0}
        onClick={() => void replay({ [kind.keyName]: [...picked] }, `the ${many(picked.size, kind.one)} selected`)}
      >
        Replay selected ({picked.size})
      </button>
      <button type="button" class="secondary small" onClick={() => void replay(selection, everything)}>
        Replay {everything}
      </button>
      <button type="button" class="secondary small" onClick={() => void remove()}>
        Delete {everything}
      </button>
    </div>
  );
}

function filled(typed: Wanted): Wanted {
  return Object.fromEntries(Object.entries(typed).filter(([, value]) => value.trim() !== ''));
}

/** A body has lists where a query has one parameter several times. */
function asSelection({ topic, ...others }: Wanted): object {
  return { ...others, ...(topic === undefined ? {} : { topic: [topic] }) };
}

function unique<T>({ keyOf }: Kind<T>, items: T[]): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
