/** Dead letters and rejections. */
import { count, many } from '../shown/format.js';
import { failureInWords, type DeadLetter, type Rejection, type WithRecord } from '../shown/rest.js';
import { clipped, visible, visibleLines } from '../shown/text.js';
import { call, problemIn } from './gateway.js';
import { Foreign, When } from './parts.js';
import { Shelf, type Kind } from './shelf.js';
import { look, type Looked, type ViewerAction } from './viewer.js';

const CELL_MAX = 160;

const deadLetters: Kind<DeadLetter> = {
  title: 'Dead letters',
  one: 'dead letter',
  path: 'v1/dead-letters',
  keyName: 'numbers',
  keyOf: ({ number }) => number,
  filters: [
    ['subscriber', 'Subscriber'],
    ['reason', 'Reason'],
    ['topic', 'Topic filter'],
  ],
  keyHead: 'Number',
  heads: ['When', 'Subscriber', 'Topic', 'Reason'],
  cells: ({ at, subscriber, topic, reason, status, attempts, detail }) => [
    <When at={at} />,
    visible(subscriber),
    <Foreign text={clipped(topic, CELL_MAX)} code />,
    <>
      {visible(failureInWords({ reason, status }))} <small>after {many(attempts, 'attempt')}</small>
      <br />
      <small>{visible(clipped(detail, CELL_MAX))}</small>
    </>,
  ],
  loss: 'Their subscribers never get them. This cannot be taken back.',
  on: ['subscriber/dead-letter'],
  open: (item, actions) =>
    void open(`v1/dead-letters/${item.number}`, `Dead letter ${item.number}`, item, factsOfLetter, actions),
};

const rejections: Kind<Rejection> = {
  title: 'Rejections',
  one: 'rejection',
  path: 'v1/rejections',
  keyName: 'positions',
  keyOf: ({ position }) => position,
  filters: [
    ['contract', 'Contract'],
    ['reason', 'Reason'],
    ['topic', 'Topic filter'],
  ],
  keyHead: 'Position',
  heads: ['When', 'Contract', 'Topic', 'What is wrong'],
  cells: ({ at, contract, topic, reason, problems, replays }) => [
    <When at={at} />,
    visible(contract),
    <Foreign text={clipped(topic, CELL_MAX)} code />,
    <>
      {visible(reason)}
      {replays > 0 && <small>, checked again {many(replays, 'time')}</small>}
      <br />
      <small>
        {visible(clipped(problems.map(({ pointer, message }) => `${pointer} ${message}`).join('; '), CELL_MAX))}
      </small>
    </>,
  ],
  loss: 'Their records go with them, and nobody gets them. This cannot be taken back.',
  on: ['rejections'],
  open: (item, actions) =>
    void open(`v1/rejections/${item.position}`, `Rejection ${item.position}`, item, factsOfRejection, actions),
};

/** Shows what is known at once, and the record when it is there. */
async function open<T>(
  path: string,
  title: string,
  item: T,
  facts: (item: T) => Looked['facts'],
  actions: ViewerAction[],
): Promise<void> {
  try {
    const one = await call<WithRecord<T>>(path);
    look({ title, facts: facts(one), record: one.record, actions });
  } catch (error) {
    look({ title, facts: [...facts(item), ['Its record', problemIn(error).detail]], actions });
  }
}

function factsOfLetter({
  subscriber,
  reason,
  status,
  attempts,
  detail,
  at,
}: DeadLetter): [string, preact.ComponentChildren][] {
  return [
    ['Subscriber', visible(subscriber)],
    ['Reason', `${failureInWords({ reason, status })}, after ${many(attempts, 'attempt')}`],
    ['When', <When at={at} />],
    ['Last answer', detail === '' ? '(empty)' : <pre tabindex={0}>{visibleLines(detail)}</pre>],
  ];
}

function factsOfRejection({
  contract,
  reason,
  problems,
  at,
  replays,
}: Rejection): [string, preact.ComponentChildren][] {
  return [
    ['Contract', visible(contract)],
    ['Reason', visible(reason)],
    ['When', <When at={at} />],
    ...(replays > 0 ? [['Checked again', count(replays)] as [string, string]] : []),
    [
      'Problems',
      <ul>
        {problems.map(({ pointer, rule, message, expected, sample }, index) => (
          <li key={index}>
            <code>{visible(pointer) || '(all of it)'}</code> {visible(message)} <small>{visible(rule)}</small>
            {expected !== undefined && <>; wanted {visible(expected)}</>}
            {sample !== undefined && <>; is {visible(sample)}</>}
          </li>
        ))}
      </ul>,
    ],
  ];
}

export function DeadLetters() {
  return <Shelf kind={deadLetters} />;
}

export function Rejections() {
  return <Shelf kind={rejections} />;
}
