/** Subscribers: how they stand, what failed last, and what can be done. */
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { count, percent, shortClock, span } from '../shown/format.js';
import { failureInWords, query, type SubscriberView, type TestAnswer } from '../shown/rest.js';
import { attemptsOf, standing, successShare } from '../shown/standing.js';
import { clipped, visible, visibleLines } from '../shown/text.js';
import type { Activity, SubscriberActivity } from '../shown/types.js';
import { sure } from './ask.js';
import { call, may, problemIn } from './gateway.js';
import { nowMs } from './live.js';
import { Foreign, Mark, Panel, ProblemNote, Table, When } from './parts.js';
import { useRead } from './read.js';

/** More rows at once make the page slow; the filter finds the others. */
const ROWS_MAX = 100;

/** What the last action came to. */
const outcome = signal('');

export function Subscribers() {
  const list = useRead<{ items: SubscriberView[] }>('v1/subscribers', 4_000, ['subscriber/state', 'reload']);
  const activity = useRead<Activity>('v1/activity', 4_000, ['subscriber/dead-letter']);
  const [words, setWords] = useState('');
  const [state, setState] = useState('');
  const all = list.data?.items ?? [];
  const found = all
    .filter((one) => (state === '' || one.state === state) && `${one.id} ${one.url}`.includes(words))
    .sort((a, b) => standing(b).rank - standing(a).rank || a.id.localeCompare(b.id));
  const heads = ['Subscriber', 'State', 'Lag', 'Success, 5 min', 'Last failure', 'Dead letters', ''];
  return (
    <Panel title="Subscribers" aside={<small>{list.data && `${count(found.length)} of ${count(all.length)}`}</small>}>
      <ProblemNote problem={list.problem} />
      <ProblemNote
        problem={activity.problem && { ...activity.problem, hint: 'Success and last failures are not shown.' }}
      />
      <div class="filters">
        <label>
          Id or address
          <input type="search" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
        </label>
        <label>
          State
          <select value={state} onChange={(event) => setState(event.currentTarget.value)}>
            <option value="">all</option>
            {['active', 'paused', 'broken', 'gone'].map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </div>
      <p role="status">{visible(outcome.value)}</p>
      {list.data && all.length === 0 && <p class="empty">There are none: nothing is delivered to anybody.</p>}
      {found.length > 0 && (
        <Table label="Subscribers" heads={heads}>
          {found.slice(0, ROWS_MAX).map((one) => (
            <Row
              key={one.id}
              one={one}
              activity={activity.data?.items.find(({ id }) => id === one.id)}
              again={list.again}
            />
          ))}
        </Table>
      )}
      {found.length > ROWS_MAX && <p class="empty">{count(found.length - ROWS_MAX)} more: narrow them above.</p>}
    </Panel>
  );
}

function Row(props: { one: SubscriberView; activity?: SubscriberActivity; again: () => void }) {
  const { one, activity } = props;
  const { level, words } = standing(one);
  const share = activity && successShare(activity.attempts);
  const failure = activity?.lastFailure;
  return (
    <tr>
      <th scope="row">
        <Foreign text={one.id} />
        <br />
        <small class="clip">{one.url === undefined ? one.source : visible(one.url)}</small>
      </th>
      <td>
        <Mark level={level}>{words}</Mark>
        {one.reason !== '' && <div class="clip">{visible(clipped(one.reason, 200))}</div>}
        {one.heldUntil !== undefined && <small>until {shortClock(one.heldUntil, nowMs.value)}</small>}
      </td>
      <td class="number">
        {count(one.lagRecords)}
        <br />
        <small>{one.lagSeconds > 0 ? span(one.lagSeconds) : ''}</small>
      </td>
      <td class="number">
        {share === undefined ? '–' : percent(share)}
        <br />
        <small>{activity && attemptsOf(activity.attempts)}</small>
      </td>
      <td>{failure ? <Failure failure={failure} /> : '–'}</td>
      <td class="number">
        {activity === undefined ? (
          '–'
        ) : activity.deadLetters === 0 ? (
          '0'
        ) : (
          <a href={`#dead-letters${query({ subscriber: one.id })}`}>{count(activity.deadLetters)}</a>
        )}
      </td>
      <td>{may('admin') && <Actions one={one} again={props.again} />}</td>
    </tr>
  );
}

function Failure({ failure }: { failure: NonNullable<SubscriberActivity['lastFailure']> }) {
  const { at, reason, status, detail, position } = failure;
  return (
    <>
      {visible(failureInWords({ reason, status }))} <When at={at} />
      <details>
        <summary>Detail</summary>
        <p>Of the record at position {position}. The answer:</p>
        <pre tabindex={0}>{detail === '' ? '(empty)' : visibleLines(detail)}</pre>
      </details>
    </>
  );
}

function Actions({ one, again }: { one: SubscriberView; again: () => void }) {
  const [busy, setBusy] = useState(false);
  const act = async (what: 'pause' | 'resume' | 'test'): Promise<void> => {
    if (what === 'pause') {
      const meaning = 'Nothing is sent to it until it is resumed, also after a restart. Its backlog is kept and grows.';
      if (!(await sure({ what: `Pause ${one.id}?`, meaning, verb: 'Pause' }))) return;
    }
    setBusy(true);
    outcome.value = '';
    try {
      const path = `v1/subscribers/${encodeURIComponent(one.id)}/${what}`;
      const answer = await call<TestAnswer & SubscriberView>(path, { method: 'POST' });
      outcome.value = what === 'test' ? tested(one.id, answer) : `${one.id} is ${answer.state}.`;
    } catch (error) {
      outcome.value = `${one.id}: ${problemIn(error).detail}`;
    }
    setBusy(false);
    again();
  };
  const button = (what: 'pause' | 'resume' | 'test', name: string) => (
    <button
      type="button"
      class="secondary small"
      disabled={busy}
      aria-label={`${name} ${one.id}`}
      onClick={() => void act(what)}
    >
      {name}
    </button>
  );
  return (
    <div class="actions">
      {one.state !== 'paused' && button('pause', 'Pause')}
      {(one.state !== 'active' || one.reason !== '') && button('resume', 'Resume')}
      {button('test', 'Test')}
    </div>
  );
}

function tested(id: string, { outcome: came, status, durationMs, reason, detail }: TestAnswer): string {
  const parts = [`Test of ${id}: ${came}`, status > 0 ? `status ${status}` : '', span(durationMs / 1000), reason];
  return `${parts.filter((part) => part !== '').join(', ')}. ${clipped(detail, 300)}`;
}
