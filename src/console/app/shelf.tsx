/** What could not be delivered or taken in: looked at, narrowed, given again, given up. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { count } from '../shown/format.js';
import { query, type Page } from '../shown/rest.js';
import { visible } from '../shown/text.js';
import type { Told } from '../shown/types.js';
import { may } from './gateway.js';
import { Panel, ProblemNote, Table } from './parts.js';
import { useRead } from './read.js';
import { deedsOf, ShelfActions, type Wanted } from './shelf-actions.js';
import type { ViewerAction } from './viewer.js';

/** In a page of the list: more at once make the browser slow. */
const ROWS = 50;

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
  /** @param actions what can be done with it */
  open: (item: T, actions: ViewerAction[]) => void;
}

export function Shelf<T>({ kind }: { kind: Kind<T> }) {
  const [typed, setTyped] = useState<Wanted>(() => addressed(kind.filters));
  const [wanted, setWanted] = useState<Wanted>(typed);
  const [picked, setPicked] = useState<ReadonlySet<number>>(new Set());
  const [before, setBefore] = useState<number | undefined>(undefined);
  const [said, say] = useState('');
  const page = useRead<Page<T>>(`${kind.path}${query({ ...wanted, limit: ROWS, after: before })}`, 5_000, kind.on);
  const { items = [], next } = page.data ?? {};
  const done = (words: string): void => {
    say(words);
    setPicked(new Set());
    page.again();
  };
  const apply = (): void => {
    setWanted(filled(typed));
    setBefore(undefined);
  };
  const deeds = deedsOf(kind, say, done);
  const open = (item: T): void => kind.open(item, may('admin') ? deeds.ofOne(kind.keyOf(item)) : []);
  const toggle = (key: number): void => {
    const changed = new Set(picked);
    if (!changed.delete(key)) changed.add(key);
    setPicked(changed);
  };
  return (
    <Panel title={kind.title} aside={<small>{page.data && `${count(items.length)} shown`}</small>}>
      <Filters kind={kind} typed={typed} setTyped={setTyped} apply={apply} />
      <ProblemNote problem={page.problem} />
      {may('admin') && (items.length > 0 || picked.size > 0) && (
        <ShelfActions
          kind={kind}
          wanted={wanted}
          picked={[...picked]}
          known={{ count: items.length, atLeast: !page.data || before !== undefined || next !== undefined }}
          deeds={deeds}
        />
      )}
      <p role="status">{visible(said)}</p>
      {page.data && items.length === 0 && <p class="empty">{none(kind.one, before, next)}</p>}
      {items.length > 0 && (
        <Table label={kind.title} heads={['', kind.keyHead, ...kind.heads]}>
          {items.map((item) => (
            <Row key={kind.keyOf(item)} kind={kind} item={item} picked={picked} toggle={toggle} open={open} />
          ))}
        </Table>
      )}
      <div class="actions">
        {before !== undefined && (
          <button type="button" class="secondary" onClick={() => setBefore(undefined)}>
            Newest
          </button>
        )}
        {next !== undefined && (
          <button type="button" class="secondary" onClick={() => setBefore(next)}>
            Older
          </button>
        )}
      </div>
    </Panel>
  );
}

/** @param before that key, and not from the newest on @param next where to look on */
function none(one: string, before: number | undefined, next: number | undefined): string {
  if (next !== undefined) return 'None among those that were looked at: older ones may be there.';
  return before === undefined ? `No ${one} is there.` : `No ${one} is older.`;
}

interface RowParts<T> {
  kind: Kind<T>;
  item: T;
  picked: ReadonlySet<number>;
  toggle: (key: number) => void;
  open: (item: T) => void;
}

function Row<T>({ kind, item, picked, toggle, open }: RowParts<T>) {
  const key = kind.keyOf(item);
  return (
    <tr>
      <td>
        <input type="checkbox" aria-label={`Select ${key}`} checked={picked.has(key)} onChange={() => toggle(key)} />
      </td>
      <td>
        <button type="button" class="plain" onClick={() => open(item)} aria-label={`Look at ${key}`}>
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

/** What the address of the page narrows the list to, as in `#dead-letters?subscriber=app`. */
function addressed(filters: Kind<never>['filters']): Wanted {
  const asked = new URLSearchParams(location.hash.split('?')[1]);
  return filled(Object.fromEntries(filters.map(([name]) => [name, asked.get(name) ?? ''])));
}

function filled(typed: Wanted): Wanted {
  return Object.fromEntries(Object.entries(typed).filter(([, value]) => value.trim() !== ''));
}
