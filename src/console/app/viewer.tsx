/** One record and its payload, in a dialog. */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { clock, bytes } from '../shown/format.js';
import { asHex, asText, bytesOf, shown } from '../shown/payload.js';
import type { RecordView } from '../shown/rest.js';
import { visible } from '../shown/text.js';
import { Dialog } from './dialog.js';
import { Choice, Facts, Foreign } from './parts.js';

export interface ViewerAction {
  verb: string;
  danger?: boolean;
  /** @returns whether it was tried: then there is nothing more to look at */
  act: () => Promise<boolean>;
}

export interface Looked {
  title: string;
  /** What is known beside the record. */
  facts: [string, ComponentChildren][];
  /** Absent: its bytes are damaged, or gone. */
  record?: RecordView;
  actions?: ViewerAction[];
}

const looked = signal<Looked | undefined>(undefined);

export function look(at: Looked): void {
  looked.value = at;
}

export function Viewer() {
  const at = looked.value;
  if (!at) return null;
  const close = (): void => {
    if (looked.value === at) looked.value = undefined;
  };
  return (
    <Dialog key={at.title} labelledBy="viewer" wide closed={close}>
      <header>
        <h2 id="viewer">{visible(at.title)}</h2>
        <button type="button" class="secondary" onClick={close}>
          Close
        </button>
      </header>
      <Facts rows={[...at.facts, ...(at.record ? recordFacts(at.record) : [])]} />
      {at.record ? <PayloadText record={at.record} /> : <p class="note">Its record is damaged or gone.</p>}
      {at.actions && at.actions.length > 0 && <Actions actions={at.actions} close={close} />}
    </Dialog>
  );
}

function Actions({ actions, close }: { actions: ViewerAction[]; close: () => void }) {
  return (
    <footer>
      {actions.map(({ verb, danger, act }) => (
        <button
          key={verb}
          type="button"
          class={danger === true ? 'danger' : ''}
          onClick={() => void act().then((tried) => tried && close())}
        >
          {verb}
        </button>
      ))}
    </footer>
  );
}

function recordFacts(record: RecordView): [string, ComponentChildren][] {
  const { contentType, userProperties = [] } = record.properties ?? {};
  return [
    ['Topic', <Foreign text={record.topic} code />],
    ['Position', String(record.position)],
    ['Id', <code>{record.id}</code>],
    ['Received', `${clock(record.receivedAt)} UTC`],
    ['QoS', `${record.qos}${record.retain ? ', retained' : ''}`],
    ...(contentType === undefined ? [] : [['Content type', visible(contentType)] as [string, string]]),
    ...userProperties.map(([name, value]): [string, string] => [visible(name), visible(value)]),
  ];
}

const AS = { Readable: shown, Text: asText, Hex: asHex };

function PayloadText({ record }: { record: RecordView }) {
  const [as, choose] = useState<keyof typeof AS>('Readable');
  const { kind, text, left } = AS[as](record);
  const size = bytesOf(record).length;
  return (
    <section>
      <header class="title">
        <h3>
          Payload <small>{`${bytes(size)}, as ${kind}`}</small>
        </h3>
        <Choice name="Show the payload as" values={AS} chosen={as} choose={(key) => choose(key)} />
      </header>
      <pre tabindex={0} role="region" aria-label="Payload">
        {text === '' ? '(empty)' : text}
      </pre>
      {left > 0 && <p class="note">{bytes(left)} more are not shown.</p>}
    </section>
  );
}
