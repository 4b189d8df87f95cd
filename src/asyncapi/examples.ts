import type { Misfit } from './compiles.js';
import type { Format } from './content-type.js';
import { own } from './json.js';
import type { Reading } from './operations.js';
import type { Node, References } from './references.js';

/** A payload that the contract must accept, as `holdfast check` finds it. */
export interface ImportedExample {
  /** What follows the contract's name: `example-1.valid.json`. */
  ending: string;
  text: string;
}

const EXAMPLES_MAX = 20;
const CHARACTERS_MAX = 1024 * 1024;

/**
 * What a message gives as examples of its payload. One that does not fit its own schema is a warning, so that what is
 * written passes `holdfast check`.
 */
export function examplesOf(
  message: Node,
  format: Format,
  misfit: Misfit | undefined,
  { references, warnings }: Reading,
): ImportedExample[] {
  const found: ImportedExample[] = [];
  for (const example of given(message, references)) {
    const { value } = references.at(example, 'payload');
    // One may be of the headers only.
    const read =
      value === undefined
        ? { problem: own(example.value, 'headers') ? undefined : 'has no payload' }
        : textOf(value, format);
    const problem = 'text' in read ? misfit?.(read.value) : read.problem;
    if (problem !== undefined)
      warnings.add(example, `as an example it ${'text' in read ? 'does not fit: ' : ''}${problem}; left out`);
    else if (!('text' in read)) continue;
    else if (found.length === EXAMPLES_MAX) warnings.add(example, `more than ${EXAMPLES_MAX} examples; left out`);
    else
      found.push({
        ending: `example-${found.length + 1}.valid.${format === 'text' ? 'txt' : 'json'}`,
        text: read.text,
      });
  }
  return found;
}

/** The message's own, or else those of the last trait that has some. */
function given(message: Node, references: References): Node[] {
  const traits = references.children(references.at(message, 'traits')).map(([, trait]) => trait);
  const lists = [message, ...traits.toReversed()].map((node) => references.at(node, 'examples'));
  const list = lists.find(({ value }) => Array.isArray(value));
  return list ? references.children(list).map(([, example]) => references.follow(example)) : [];
}

/** The bytes a device would send, and what they are read as. */
function textOf(value: unknown, format: Format): { text: string; value: unknown } | { problem: string } {
  if (format === 'text' && typeof value === 'string') return { text: value, value };
  if (format !== 'json') return { problem: `cannot be written as ${format}` };
  try {
    const text = JSON.stringify(value, undefined, 2);
    if (text.length > CHARACTERS_MAX) return { problem: `has more than ${CHARACTERS_MAX} characters` };
    return { text: `${text}\n`, value: JSON.parse(text) };
  } catch (error) {
    return { problem: `cannot be written: ${(error as Error).message.split('\n', 1)[0]}` };
  }
}
