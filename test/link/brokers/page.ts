/** docs/brokers.md. */
import { CAUSES } from '../../../src/domain/cause.js';
import type { Cell } from './examine.js';
import { EXCEPTIONS, exceptionOf } from './expectations.js';
import type { Ground } from './ground.js';
import { BROKER_NOTES } from './notes.js';
import type { Situation } from './situation.js';

const NONE = '–';

/** The same cells make the same page. */
export function pageOf(grounds: Ground[], cells: Cell[]): string {
  const situations = [...new Set(cells.map(({ situation }) => situation))];
  const head = ['what happens to the link', ...grounds.map(headOf)];
  const rows = situations.map((situation) => [
    `${situation.name}: \`${situation.cause}\``,
    ...grounds.map((ground) => cellOf(cells.filter((cell) => cell.ground === ground && cell.situation === situation))),
  ]);
  const notes = EXCEPTIONS.map(({ why }, i) => `${i + 1}. ${why}`);
  return [
    '# Brokers',
    '',
    'What each broker does when something goes wrong, and what the gateway says of it: the cause in `GET /v1/link`, in the log and',
    'in the metrics. Written by `npm run soak -- brokers`, which makes every one of these happen for real. Each row names what the',
    'cause ought to be; a number leads to the reason why a broker does not let it be known. `–`: this broker has no such thing.',
    '',
    table([head, ...rows]),
    '',
    '## Why not',
    '',
    ...notes,
    '',
    ...BROKER_NOTES,
    '',
    '## Causes without a row',
    '',
    others(situations),
    '',
  ].join('\n');
}

function headOf(ground: Ground): string {
  const [product, how] = ground.name.split(', ');
  return `${product} ${ground.version()}${how === undefined ? '' : `, ${how}`}`;
}

function table([head, ...rows]: string[][]): string {
  const line = (parts: string[]): string => `| ${parts.join(' | ')} |`;
  return [line(head!), `|${'---|'.repeat(head!.length)}`, ...rows.map(line)].join('\n');
}

/** Both protocols in one, when they do the same. */
function cellOf(unordered: Cell[]): string {
  const cells = unordered.toSorted((one, other) => other.protocol.localeCompare(one.protocol));
  const texts = cells.filter(({ finding }) => finding !== undefined).map((cell) => ({ ...cell, text: textOf(cell) }));
  const [first] = texts;
  if (first === undefined) return NONE;
  if (cells.length === 1) return first.text;
  if (texts.length === cells.length && texts.every(({ text }) => text === first.text)) return first.text;
  return texts.map(({ protocol, text }) => `${protocol}: ${text}`).join('<br>');
}

function textOf({ ground, protocol, situation, finding }: Cell): string {
  const { happened, cause, confidence } = finding!;
  const exception = exceptionOf(ground.name, protocol, situation);
  const why = exception ? ` (${EXCEPTIONS.indexOf(exception) + 1})` : '';
  if (cause === undefined) return `${happened}; nothing is noticed${why}`;
  return `${happened}; **${cause}**${confidence === 'guess' ? '?' : ''}${why}`;
}

function others(situations: Situation[]): string {
  const shown = new Set(situations.map(({ cause }) => cause));
  const rest = CAUSES.filter((cause) => !shown.has(cause) && cause !== 'unknown').map((cause) => `\`${cause}\``);
  return [
    'None of these brokers says them, or they are not about a broker:',
    `${rest.join(', ')}.`,
    'A scripted broker plays every code of MQTT 5 and 3.1.1 in `npm test`. `unknown` is said only where a broker ends a connection with',
    '"unspecified error" and nothing else is known.',
  ].join('\n');
}
