/** Valid messages as they come. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { count, shortClock } from '../shown/format.js';
import type { RecordView } from '../shown/rest.js';
import { query } from '../shown/rest.js';
import { EventReader } from '../shown/sse.js';
import { clipped, visible } from '../shown/text.js';
import type { Problem } from '../shown/problem.js';
import { open, problemIn } from './gateway.js';
import { nowMs } from './live.js';
import { Foreign, Panel, ProblemNote, Table } from './parts.js';
import { look } from './viewer.js';

const KEPT = 200;
/** Faster than this nobody reads, and drawing would hold the page up. */
const DRAW_MS = 200;

export function Tail() {
  const [filter, setFilter] = useState('#');
  const [watched, watch] = useState<string | undefined>(undefined);
  const [shown, setShown] = useState<{ records: RecordView[]; total: number }>({ records: [], total: 0 });
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const waiting = useRef<RecordView[]>([]);
  useEffect(() => {
    if (watched === undefined) return;
    const stop = new AbortController();
    const timer = setInterval(() => {
      const come = waiting.current.splice(0);
      if (come.length === 0) return;
      setShown(({ records, total }) => ({
        records: [...come.reverse(), ...records].slice(0, KEPT),
        total: total + come.length,
      }));
    }, DRAW_MS);
    const hidden = (): void => {
      if (document.hidden) watch(undefined);
    };
    document.addEventListener('visibilitychange', hidden);
    void follow(watched, stop.signal, (record) => waiting.current.push(record)).then(
      () => watch(undefined),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setProblem(problemIn(error));
        watch(undefined);
      },
    );
    return () => {
      stop.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', hidden);
    };
  }, [watched]);
  const begin = (): void => {
    setProblem(undefined);
    setShown({ records: [], total: 0 });
    watch(filter.trim() || '#');
  };
  return (
    <Panel title="Live tail" aside={<small>{count(shown.total)} so far</small>}>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          if (watched === undefined) begin();
          else watch(undefined);
        }}
      >
        <label>
          Topic filter
          <input
            value={filter}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class={watched === undefined ? '' : 'secondary'}>
          {watched === undefined ? 'Watch' : 'Stop'}
        </button>
      </form>
      <ProblemNote problem={problem} />
      <p role="status" class="empty">
        {watched === undefined
          ? 'Not watching. It stops by itself when this tab is hidden.'
          : `Watching ${visible(watched)}.`}
      </p>
      {shown.records.length > 0 && <Messages records={shown.records} />}
    </Panel>
  );
}

function Messages({ records }: { records: RecordView[] }) {
  return (
    <Table label="Messages" heads={['Position', 'Received', 'Topic', 'Payload']}>
      {records.map((record) => (
        <tr key={record.position}>
          <td>
            <button
              type="button"
              class="plain"
              aria-label={`Look at ${record.position}`}
              onClick={() => look({ title: `Record ${record.position}`, facts: [], record })}
            >
              {record.position}
            </button>
          </td>
          <td>{shortClock(record.receivedAt, nowMs.value)}</td>
          <td class="clip">
            <Foreign text={clipped(record.topic, 160)} code />
          </td>
          <td class="clip">
            {record.payload === undefined ? <em>binary</em> : <Foreign text={clipped(record.payload, 160)} code />}
          </td>
        </tr>
      ))}
    </Table>
  );
}

async function follow(topic: string, signal: AbortSignal, tell: (record: RecordView) => void): Promise<void> {
  const response = await open(`v1/stream${query({ topic })}`, { signal });
  const reader = response.body!.getReader();
  const events = new EventReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const { name, data } of events.feed(value)) if (name !== 'gap') tell(JSON.parse(data) as RecordView);
  }
}
