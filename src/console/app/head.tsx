import { useEffect, useRef } from 'preact/hooks';
import { count, lasting, shortClock } from '../shown/format.js';
import { visible } from '../shown/text.js';
import { verdict } from '../shown/verdict.js';
import { caller, signOut } from './gateway.js';
import { feed, heard, nowMs, status, statusProblem } from './live.js';
import { Mark } from './parts.js';
import { VIEWS, view } from './views.js';

const FEEDS = { live: 'live', asked: 'every 5 s', refused: 'may not read', none: 'reconnecting …' };

export function Head({ hidden }: { hidden: boolean }) {
  const now = status.value;
  const here = useRef<HTMLAnchorElement>(null);
  // On a phone the bar is wider than the window.
  useEffect(() => here.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [view.value]);
  return (
    <header class="head" hidden={hidden}>
      <a class="skip" href="#main" onClick={(event) => skip(event)}>
        To the content
      </a>
      <div class="brand">
        <img src="console/icon.svg" alt="" width="24" height="24" />
        <h1>Holdfast</h1>
        <span class="who">
          {now?.link && <code>{visible(now.link.clientId)}</code>} {now && <small>{now.version}</small>}
        </span>
        <span class="caller">
          {caller.value?.name && (
            <>
              <small>
                {visible(caller.value.name)} ({caller.value.scopes.join(', ')})
              </small>{' '}
              <button type="button" class="plain" onClick={signOut}>
                Sign out
              </button>
            </>
          )}
        </span>
      </div>
      <VerdictLine />
      <nav aria-label="Views">
        <ul>
          {VIEWS.map(({ id, name, figure }) => {
            const value = now && figure ? figure(now) : 0;
            return (
              <li key={id}>
                <a
                  href={`#${id}`}
                  ref={id === view.value ? here : undefined}
                  aria-current={id === view.value ? 'page' : undefined}
                >
                  {name}
                  {value > 0 && <span class="figure">{count(value)}</span>}
                </a>
              </li>
            );
          })}
        </ul>
      </nav>
    </header>
  );
}

function VerdictLine() {
  const now = status.value;
  const { level, word, text, since } = verdict(now, heard.value);
  const clientId = now?.link?.clientId;
  useEffect(() => {
    document.title = [word, ...(clientId === undefined ? [] : [visible(clientId)]), 'Holdfast'].join(' · ');
  }, [word, clientId]);
  const silent = feed.value === 'live' && !heard.value;
  const how = silent ? 'silent' : FEEDS[feed.value];
  return (
    <div class={`verdict ${level}`}>
      <div role="status">
        <Mark level={level}>
          <strong>{word}</strong>
        </Mark>{' '}
        <span>{visible(text)}</span>{' '}
        {since !== undefined && heard.value && (
          <span class="since">
            since {shortClock(since, nowMs.value)}, {lasting(since, nowMs.value)}
          </span>
        )}
        {statusProblem.value !== '' && <span class="since"> {visible(statusProblem.value)}</span>}
      </div>
      <small class={`feed ${silent ? 'silent' : feed.value}`}>{how}</small>
    </div>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
