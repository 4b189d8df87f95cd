/** One message to the broker, as an app would send it. */
import { useState } from 'preact/hooks';
import type { Problem } from '../shown/problem.js';
import { visible } from '../shown/text.js';
import { call, caller, may, problemIn } from './gateway.js';
import { Mark, Panel, ProblemNote } from './parts.js';

interface Answer {
  id: string;
  status: 'published' | 'queued';
}

const EMPTY = { topic: '', payload: '', contentType: '', qos: 1, retain: false };
type Draft = typeof EMPTY;

export function Publish() {
  const [draft, setDraft] = useState(EMPTY);
  const [answer, setAnswer] = useState<Answer | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    setBusy(true);
    setAnswer(undefined);
    setProblem(undefined);
    const { contentType, ...others } = draft;
    try {
      const body = { ...others, ...(contentType === '' ? {} : { contentType }) };
      setAnswer(await call<Answer>('v1/publish', { method: 'POST', body }));
    } catch (error) {
      setProblem(problemIn(error));
    }
    setBusy(false);
  };
  const narrowed = caller.value?.publish;
  return (
    <Panel title="Publish">
      {!may('publish') && <p class="note">This token may not publish.</p>}
      {narrowed && <p>This token may publish to {visible(narrowed.join(', '))}.</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <Fields draft={draft} set={(some) => setDraft({ ...draft, ...some })} />
        <button type="submit" disabled={busy || !may('publish')} aria-busy={busy}>
          Publish
        </button>
      </form>
      <div role="status">{answer && <Sent answer={answer} />}</div>
      <ProblemNote problem={problem} />
    </Panel>
  );
}

function Fields({ draft, set }: { draft: Draft; set: (some: Partial<Draft>) => void }) {
  return (
    <>
      <label>
        Topic
        <input
          name="topic"
          required
          value={draft.topic}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => set({ topic: event.currentTarget.value })}
        />
      </label>
      <label>
        Payload
        <textarea
          name="payload"
          rows={6}
          spellcheck={false}
          value={draft.payload}
          onInput={(event) => set({ payload: event.currentTarget.value })}
        />
      </label>
      <div class="filters">
        <label>
          Content type
          <input
            name="contentType"
            value={draft.contentType}
            placeholder="none"
            onInput={(event) => set({ contentType: event.currentTarget.value })}
          />
        </label>
        <label>
          QoS
          <select value={String(draft.qos)} onChange={(event) => set({ qos: Number(event.currentTarget.value) })}>
            <option value="0">0: at most once</option>
            <option value="1">1: at least once</option>
            <option value="2">2: exactly once</option>
          </select>
        </label>
        <label>
          <input
            type="checkbox"
            checked={draft.retain}
            onChange={(event) => set({ retain: event.currentTarget.checked })}
          />{' '}
          Retain
        </label>
      </div>
    </>
  );
}

function Sent({ answer: { id, status } }: { answer: Answer }) {
  const sent = status === 'published';
  return (
    <p>
      <Mark level={sent ? 'well' : 'info'}>{status}</Mark>{' '}
      {sent ? 'The broker has it.' : 'It is on disk, and will be sent.'} <code>{id}</code>
    </p>
  );
}
