/** The doctor: looks at broker, network and configuration from where the gateway is. */
import { Fragment } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Problem } from '../shown/problem.js';
import { Lines } from '../shown/sse.js';
import { visible } from '../shown/text.js';
import type { DoctorLine, DoctorRow } from '../shown/types.js';
import type { Level } from '../shown/verdict.js';
import { may, open, problemIn } from './gateway.js';
import { Mark, Panel, ProblemNote, Table } from './parts.js';

const LEVELS: { readonly [state in DoctorRow['state']]: Level } = {
  ok: 'well',
  warning: 'warning',
  failed: 'critical',
  skipped: 'unknown',
};

const HEADS = ['Check', 'State', 'Seen', 'What to do'];

export function Doctor() {
  const [probe, setProbe] = useState('');
  const [rows, setRows] = useState<DoctorRow[]>([]);
  const [now, setNow] = useState('');
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const running = useRef<AbortController>(undefined);
  const [busy, setBusy] = useState(false);
  const take = (line: DoctorLine): void => {
    if (line.kind === 'row') setRows((all) => [...all, line]);
    else if (line.kind === 'begun') setNow(`Looking at ${line.check} …`);
    else if (line.kind === 'broker') setNow(`Broker ${line.url}`);
    else setNow(ended(line));
  };
  const run = async (): Promise<void> => {
    running.current = new AbortController();
    setBusy(true);
    setRows([]);
    setProblem(undefined);
    setNow('Beginning …');
    try {
      await examine(probe, running.current.signal, take);
    } catch (error) {
      if (running.current.signal.aborted) setNow('Stopped.');
      else setNow('');
      if (!running.current.signal.aborted) setProblem(problemIn(error));
    }
    setBusy(false);
  };
  return (
    <Panel title="Doctor">
      {!may('admin') && <p class="note">This token may not run it: it needs the scope admin.</p>}
      <p>Looks from where the gateway is, beside its link and with client ids of its own: the link is not disturbed.</p>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          if (busy) running.current?.abort();
          else void run();
        }}
      >
        <label>
          Probe topics
          <input
            value={probe}
            placeholder="none: it publishes nothing"
            aria-describedby="probe-note"
            spellcheck={false}
            onInput={(event) => setProbe(event.currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={!may('admin')} class={busy ? 'secondary' : ''}>
          {busy ? 'Stop' : 'Run the doctor'}
        </button>
      </form>
      <p id="probe-note">
        <small>
          With probe topics it also sees whether the broker lets the gateway publish, and withholds what it has granted.
          It publishes two messages to each, and nowhere else; apps that get the topic get them, too. Best is a topic
          that nobody acts on, below a filter of the subscriptions; publish.allow must have it. Several are separated by
          commas.
        </small>
      </p>
      <ProblemNote problem={problem} />
      <p role="status">{visible(now)}</p>
      {rows.length > 0 && <p>{summaryOf(rows)}</p>}
      {rows.length > 0 && <Rows rows={rows} />}
    </Panel>
  );
}

/** How many there are of each, the gravest first: what failed must not be looked for. */
function summaryOf(rows: DoctorRow[]) {
  return (['failed', 'warning', 'ok', 'skipped'] as const).map((state) => {
    const { length } = rows.filter((row) => row.state === state);
    return length === 0 ? null : (
      <Fragment key={state}>
        <Mark level={LEVELS[state]}>
          {length} {state}
        </Mark>{' '}
      </Fragment>
    );
  });
}

function Rows({ rows }: { rows: DoctorRow[] }) {
  return (
    <Table label="What the doctor saw" heads={HEADS}>
      {rows.map(({ check, broker, state, seen, mend }, index) => (
        <Fragment key={index}>
          {broker !== undefined && broker !== rows[index - 1]?.broker && (
            <tr>
              <th scope="rowgroup" colspan={HEADS.length} class="group">
                {visible(broker)}
              </th>
            </tr>
          )}
          <tr>
            <th scope="row">{visible(check)}</th>
            <td>
              <Mark level={LEVELS[state]}>{state}</Mark>
            </td>
            <td class="clip">{visible(seen)}</td>
            <td class="clip">{visible(mend)}</td>
          </tr>
        </Fragment>
      ))}
    </Table>
  );
}

async function examine(probe: string, signal: AbortSignal, take: (line: DoctorLine) => void): Promise<void> {
  const probeTopics = probe.split(/[\s,]+/).filter((topic) => topic !== '');
  const body = probeTopics.length === 0 ? {} : { probeTopics };
  const response = await open('v1/doctor', { method: 'POST', body, signal });
  const reader = response.body!.getReader();
  const lines = new Lines();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const line of lines.feed(value)) if (line !== '') take(JSON.parse(line) as DoctorLine);
  }
}

function ended({ ok, interrupted, leftBehind }: Extract<DoctorLine, { kind: 'end' }>): string {
  const left = leftBehind.length === 0 ? '' : ` Sessions are left at the broker: ${leftBehind.join(', ')}.`;
  if (interrupted) return `It was interrupted.${left}`;
  return `${ok ? 'Done: nothing failed.' : 'Done: not all is well.'}${left}`;
}
