import { LineCounter, parseDocument } from 'yaml';
import type { Document, ErrorCode, ParsedNode, YAMLError } from 'yaml';
import { ERRORS } from '../domain/errors.js';
import { readTextFile } from './text-file.js';
import type { Position, Report } from './problem.js';

/** Room for 1 000 subscribers with a few kilobytes each. */
const CONFIG_BYTES_MAX = 4 * 2 ** 20;
const QUOTES = 'Put text that starts with a special character in quotes.';
const INDENT = 'Indent with spaces, the same number for keys that belong together.';

/** The parser's own messages quote the file, and what they quote may be a secret: so the words are ours. */
export const SYNTAX: { readonly [code in ErrorCode]: readonly [message: string, mend: string] } = {
  ALIAS_PROPS: ['an alias (*) may not have a tag or an anchor', QUOTES],
  BAD_ALIAS: ['this alias (*) names no anchor (&)', QUOTES],
  BAD_DIRECTIVE: ['this is not a YAML directive (%)', QUOTES],
  BAD_DQ_ESCAPE: ['this is not an escape sequence', 'Write \\\\ for a backslash, or use single quotes.'],
  BAD_INDENT: ['the indentation does not fit', INDENT],
  BAD_PROP_ORDER: ['a tag or an anchor stands in the wrong place', QUOTES],
  BAD_SCALAR_START: ['text may not start with this character', QUOTES],
  BLOCK_AS_IMPLICIT_KEY: ['a mapping may not start here', 'Start it on a line of its own, or put the text in quotes.'],
  BLOCK_IN_FLOW: [
    'lines with "-" or "key:" may not stand inside [ ] or { }',
    'Write all of it in one of the two styles.',
  ],
  DUPLICATE_KEY: ['this key is here twice', 'Keep one of the two.'],
  IMPOSSIBLE: ['this is not YAML', QUOTES],
  KEY_OVER_1024_CHARS: ['a key may not be longer than 1024 characters', 'Is a quote missing?'],
  MISSING_CHAR: [
    'a quote, comma, bracket, colon or space is missing',
    'Close what was opened, and leave a space after ":".',
  ],
  MULTILINE_IMPLICIT_KEY: ['a key must be on one line and end in ":"', INDENT],
  MULTIPLE_ANCHORS: ['there is more than one anchor (&)', QUOTES],
  MULTIPLE_DOCS: ['the file holds more than one YAML document', 'Remove the line "---" and what does not belong here.'],
  MULTIPLE_TAGS: ['there is more than one tag (!)', QUOTES],
  NON_STRING_KEY: ['a key must be text', 'Put it in quotes.'],
  RESOURCE_EXHAUSTION: [
    'the file is nested too deeply',
    'Remove brackets; nothing in it needs more than a few levels.',
  ],
  TAB_AS_INDENT: ['a tab may not indent', INDENT],
  TAG_RESOLVE_FAILED: ['tags (!) mean nothing here', QUOTES],
  UNEXPECTED_TOKEN: [
    'this does not belong here',
    'Is a quote, bracket or line break missing before it? Inside [ ] or { } put ${NAME} in quotes.',
  ],
  BAD_COLLECTION_TYPE: ['tags (!) mean nothing here', QUOTES],
};

export interface Source {
  document: Document.Parsed<ParsedNode>;
  positionAt(offset: number): Position;
}

/** The file's text; undefined when there is none, and then a problem says why. */
export function readSource(file: string, report: Report): string | undefined {
  const found = readTextFile(file, CONFIG_BYTES_MAX);
  if ('text' in found) return found.text;
  const position = { line: found.line ?? 0, column: found.line === undefined ? 0 : 1 };
  report.problem([], `the file ${found.fault}`, ERRORS.CONFIG_UNREADABLE.hint, position);
  return undefined;
}

/** The YAML document; undefined when its structure cannot be trusted. Each syntax error is a problem. */
export function parseSource(text: string, report: Report): Source | undefined {
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  let document: Document.Parsed<ParsedNode>;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error', schema: 'core' });
  } catch {
    // A document nested beyond the parser's stack ends here.
    report.problem([], ...SYNTAX.RESOURCE_EXHAUSTION);
    return undefined;
  }
  const errors = [...document.errors, ...document.warnings];
  for (const [code, position] of independent(errors, positionAt)) report.problem([], ...SYNTAX[code], position);
  return errors.every(({ code }) => code === 'DUPLICATE_KEY') ? { document, positionAt } : undefined;
}

/** One mistake makes the parser stumble over many tokens after it: forty problems would hide the one. */
function* independent(errors: YAMLError[], positionAt: Source['positionAt']): Generator<[ErrorCode, Position]> {
  const lines = new Set<number>();
  for (const { code, pos } of errors) {
    const position = positionAt(pos[0]);
    const follows = code === 'UNEXPECTED_TOKEN' ? lines.size > 0 : lines.has(position.line);
    lines.add(position.line);
    if (!follows) yield [code, position];
  }
}
