/** The kinds of scalar that the file is made of. */
import { durationMs, DURATION_PATTERN, sizeBytes, SIZE_PATTERN } from './quantity.js';
import type { ScalarShape } from './shape.js';

const IN_QUOTES = 'Put the value in quotes.';

export interface TextRules {
  /** Fewest characters; default 1. */
  min?: number;
  /** Most characters. */
  max: number;
  /** What is wrong with a text of fitting length, in words that follow the key. */
  check?: (text: string) => string | undefined;
  /** How to write it. */
  mend: string;
  /** Further JSON Schema keywords. */
  schema?: ScalarShape['schema'];
}

export function text({ min = 1, max, check, mend, schema }: TextRules): ScalarShape {
  return {
    kind: 'scalar',
    reads: 'text',
    schema: { type: 'string', minLength: min, maxLength: max, ...schema },
    check: (value) => {
      if (typeof value !== 'string') return { message: 'must be text', mend: IN_QUOTES };
      if (value.length < min) return { message: 'must not be empty', mend };
      if (value.length > max) return { message: `must not be longer than ${max} characters`, mend };
      const message = value.includes('\0') ? 'must not contain U+0000' : check?.(value);
      return message === undefined ? undefined : { message, mend };
    },
  };
}

/** One of a closed list of words. */
export function words(...known: string[]): ScalarShape {
  const message = known.length === 1 ? `must be ${known[0]}` : `must be one of ${known.join(', ')}`;
  const numbers = known.filter((word) => /^\d+$/.test(word)).map(Number);
  return {
    kind: 'scalar',
    reads: 'source',
    schema: { enum: [...known, ...numbers] },
    check: (value) => {
      if (typeof value === 'string' && known.includes(value)) return undefined;
      return { message, mend: `Write ${known.map((word) => `"${word}"`).join(' or ')}.` };
    },
  };
}

/** `min` to `max`, written as durations. With `wholeSeconds`, because MQTT counts in them. */
export function duration(min: string, max: string, options: { wholeSeconds?: boolean } = {}): ScalarShape {
  const from = durationMs(min)!;
  const to = durationMs(max)!;
  const check = (value: string): string | undefined => {
    const ms = durationMs(value);
    if (ms === undefined) return 'must be a duration: a whole number and ms, s, m, h or d';
    if (ms < from || ms > to) return `must be between ${min} and ${max}`;
    if (options.wholeSeconds && ms % 1_000 !== 0) return 'must be whole seconds';
    return undefined;
  };
  return quantity(check, DURATION_PATTERN, 'Write it like 500ms, 30s, 5m, 24h or 7d, within the bounds.');
}

/** `min` to `max`, written as sizes. */
export function size(min: string, max: string): ScalarShape {
  const from = sizeBytes(min)!;
  const to = sizeBytes(max)!;
  const check = (value: string): string | undefined => {
    const bytes = sizeBytes(value);
    if (bytes === undefined) return 'must be a size: a whole number and B, KB, MB, GB, TB, KiB, MiB, GiB or TiB';
    return bytes < from || bytes > to ? `must be between ${min} and ${max}` : undefined;
  };
  return quantity(check, SIZE_PATTERN, 'Write it like 512B, 64KiB, 10MB or 1GiB, within the bounds.');
}

function quantity(check: (value: string) => string | undefined, pattern: string, mend: string): ScalarShape {
  return {
    kind: 'scalar',
    reads: 'source',
    schema: { type: pattern === DURATION_PATTERN ? ['string', 'integer'] : 'string', pattern },
    check: (value) => {
      const message = check(typeof value === 'string' ? value : '');
      return message === undefined ? undefined : { message, mend };
    },
  };
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): ScalarShape {
  return {
    kind: 'scalar',
    reads: 'number',
    schema: { type: 'integer', minimum: min, maximum: max },
    check: (value) => {
      if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return undefined;
      return { message: `must be a whole number from ${min} to ${max}`, mend: 'Write it in digits, without quotes.' };
    },
  };
}

/** A number from `min` to `max`. */
export function decimal(min: number, max: number): ScalarShape {
  return {
    kind: 'scalar',
    reads: 'number',
    schema: { type: 'number', minimum: min, maximum: max },
    check: (value) => {
      if (typeof value === 'number' && value >= min && value <= max) return undefined;
      return { message: `must be a number from ${min} to ${max}`, mend: 'Write it in digits, without quotes.' };
    },
  };
}

export const flag: ScalarShape = {
  kind: 'scalar',
  reads: 'flag',
  schema: { type: 'boolean' },
  check: (value) => {
    if (typeof value === 'boolean') return undefined;
    return { message: 'must be true or false', mend: 'Write true or false, without quotes.' };
  },
};
