/** Rows as people read them. Pure: text in, text out. */
import type { Row, RowState } from './row.js';

export const WIDTH_MAX = 100;
const WIDTH_MIN = 50;
const STATE_WIDTH = 9;
const CHECK_WIDTH = 24;
const COLOURS: { [state in RowState]: string } = {
  ok: '\u001b[32m',
  warning: '\u001b[33m',
  failed: '\u001b[31m',
  skipped: '\u001b[2m',
};
const RESET = '\u001b[0m';

export interface Look {
  /** Columns of the terminal; more than {@link WIDTH_MAX} are not used, because long lines are hard to read. */
  width: number;
  colour: boolean;
}

/** `state  check  what was seen`, a line for each finding, and below it what to do. Ends with a line end. */
export function rowText({ state, check, seen, mend }: Row, { width, colour }: Look): string {
  const columns = Math.max(WIDTH_MIN, Math.min(width, WIDTH_MAX));
  const room = columns - STATE_WIDTH - CHECK_WIDTH;
  const paint = (text: string): string => (colour ? `${COLOURS[state]}${text}${RESET}` : text);
  const dim = (text: string): string => (state === 'skipped' ? paint(text) : text);
  const findings = printable(seen).split('; ');
  const texts = findings.flatMap((finding) => wrap(finding, room, '  '));
  if (mend !== '') texts.push(...wrap(`→ ${printable(mend)}`, room, '  '));
  const names = wrap(printable(check), columns - STATE_WIDTH);
  const last = names.at(-1)!;
  // A name that fills its column has its lines to itself.
  const beside = last.length < CHECK_WIDTH ? last.padEnd(CHECK_WIDTH) + texts.shift()! : last;
  const left = [...names.slice(0, -1), beside].map(
    (text, i) => paint((i === 0 ? state : '').padEnd(STATE_WIDTH)) + dim(text),
  );
  const below = texts.map((text) => ' '.repeat(STATE_WIDTH + CHECK_WIDTH) + dim(text));
  return `${[...left, ...below].join('\n')}\n`;
}

/** Rows that were skipped for one reason: one line for each would bury the row that matters. */
export function skippedText(rows: readonly Row[], look: Look): string {
  const [first, second] = rows;
  if (!first) return '';
  if (!second) return rowText(first, look);
  const names = rows.map(({ check }) => check);
  const subscriptions = names.filter((name) => name.startsWith('subscription '));
  const many = subscriptions.length > 3;
  const shown = many ? names.filter((name) => !subscriptions.includes(name)) : names;
  if (many) shown.push(`${subscriptions.length} subscriptions`);
  return rowText({ ...first, check: `${rows.length} checks`, seen: `${first.seen} (${shown.join(', ')})` }, look);
}

/** Above the rows of one broker. */
export function headingText(url: string, { colour }: Look): string {
  return colour ? `\n\u001b[1m${printable(url)}${RESET}\n` : `\n${printable(url)}\n`;
}

/** Without a line end: what is being looked at. */
export function pendingText(check: string): string {
  return `${'…'.padEnd(STATE_WIDTH)}${printable(check)}`;
}

/** The last line. */
export function summaryText(rows: readonly Row[], { colour }: Look): string {
  const count = (state: RowState): string => {
    const found = rows.filter((row) => row.state === state).length;
    const text = `${found} ${state === 'warning' && found !== 1 ? 'warnings' : state}`;
    return colour && found > 0 ? `${COLOURS[state]}${text}${RESET}` : text;
  };
  return `${count('ok')}, ${count('warning')}, ${count('failed')}, ${count('skipped')}.\n`;
}

/** What a broker, a certificate or a topic says must not move the cursor. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}

/** Breaks at spaces; a word that is too long for a line is broken where the line ends. */
export function wrap(text: string, room: number, hanging = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    let rest = word;
    while (rest !== '') {
      const start = line === '' && lines.length > 0 ? hanging : line;
      const joined = start.trim() === '' ? start + rest : `${start} ${rest}`;
      if (joined.length <= room) {
        line = joined;
        rest = '';
      } else if (start.trim() !== '') {
        lines.push(start);
        line = '';
      } else {
        lines.push(joined.slice(0, room));
        rest = joined.slice(room);
        line = '';
      }
    }
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}
