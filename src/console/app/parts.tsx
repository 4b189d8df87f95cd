/** What the views are made of. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { ago, clock, shortClock } from '../shown/format.js';
import type { Problem } from '../shown/problem.js';
import { sentence } from '../shown/problem.js';
import { visible } from '../shown/text.js';
import type { Level } from '../shown/verdict.js';
import { nowMs } from './live.js';

/** The state comes every two seconds, or five. */
const STALE_MS = 8_000;

/** A shape for each level, so that colour is not needed to tell them apart. */
const SHAPES: { readonly [level in Level]: string } = {
  critical: 'M5 1h6l4 4v6l-4 4H5l-4-4V5z M8 4.5v4.5 M8 11v.6',
  warning: 'M8 1.5 15 14.5H1z M8 6v4 M8 11.8v.6',
  info: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z M8 7.2v4 M8 4.6v.6',
  well: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1z M4.8 8.2l2.2 2.3 4.2-4.8',
  unknown: 'M2 2h12v12H2z M6 6.2a2 2 0 1 1 2.6 2c-.4.2-.6.5-.6 1 M8 11v.6',
};

export function Mark({ level, children }: { level: Level; children: ComponentChildren }) {
  return (
    <span class={`mark ${level}`}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        <path d={SHAPES[level]} />
      </svg>
      {children}
    </span>
  );
}

export function ProblemNote({ problem }: { problem?: Problem }) {
  if (!problem) return null;
  return (
    <div class="note" role="alert">
      <p>{visible(sentence(problem))}</p>
      {problem.items.length > 0 && (
        <ul>
          {problem.items.map((item) => (
            <li key={item}>{visible(item)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** When it was: how long ago, and the time itself to find it in the log. */
export function When({ at }: { at: string }) {
  return (
    <time datetime={at} title={`${clock(at)} UTC`}>
      {ago(at, nowMs.value)} <small>{shortClock(at, nowMs.value)}</small>
    </time>
  );
}

/** Whether a thread has said this so long ago that it may be otherwise by now. */
export function stale({ asOf }: { asOf: string }): boolean {
  return nowMs.value - Date.parse(asOf) > STALE_MS;
}

/** That it is an old thing, where it is one. */
export function AsOf({ seen }: { seen: { asOf: string } }) {
  if (!stale(seen)) return null;
  return (
    <p class="note">
      Its thread does not answer. This is from <When at={seen.asOf} />.
    </p>
  );
}

/** Text that somebody else wrote. */
export function Foreign({ text, code }: { text: string; code?: boolean }) {
  return code ? <code>{visible(text)}</code> : <>{visible(text)}</>;
}

export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A table that may be wider than a phone: it is scrolled by itself, also with the keyboard. */
export function Table({ label, heads, children }: { label: string; heads: string[]; children: ComponentChildren }) {
  const body = useRef<HTMLTableSectionElement>(null);
  // On a phone each row is a card, and each cell has its head beside it.
  useLayoutEffect(() => {
    for (const { cells } of body.current?.rows ?? []) {
      for (const [index, cell] of [...cells].entries()) cell.dataset['head'] = heads[index] ?? '';
    }
  });
  return (
    <div class="scroll" role="region" aria-label={label} tabindex={0}>
      <table>
        <thead>
          <tr>
            {heads.map((head, index) => (
              <th key={index} scope="col">
                {head === '' ? <span class="sr-only">Select or act</span> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>{children}</tbody>
      </table>
    </div>
  );
}

export function Panel(props: { title: string; aside?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section>
      <header class="title">
        <h2>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

/** One of several. */
export function Choice<K extends string>(props: {
  name: string;
  values: { readonly [key in K]: unknown };
  chosen: K;
  choose: (key: NoInfer<K>) => void;
}) {
  return (
    <div class="choice" role="group" aria-label={props.name}>
      {(Object.keys(props.values) as K[]).map((key) => (
        <button key={key} type="button" aria-pressed={key === props.chosen} onClick={() => props.choose(key)}>
          {key}
        </button>
      ))}
    </div>
  );
}
