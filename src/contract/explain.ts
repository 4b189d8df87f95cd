import { parseJsonPointer, partAt, type JsonPointer } from '../domain/json-pointer.js';
import type { Problem } from '../domain/record.js';
import { clipped, PROBLEMS_MAX, problem } from './problem.js';
import type { Redaction } from './redaction.js';
import type { Fault } from './rules/rules.js';

/** Rules whose expectation is a value: where the payload's is secret, so is that. */
const QUOTING = new Set(['const', 'enum', 'equals', 'isIn', 'isEnum', 'matches', 'pattern']);

/** Faults as a person may see them: cut, with a sample of the value, and without its secrets. */
export function explained(faults: readonly Fault[], payload: unknown, redaction: Redaction): Problem[] {
  const secrets = redaction.secretsIn(payload);
  // Many faults of one large value: it is written once.
  const samples = new Map<string, { sample?: string }>();
  return faults.slice(0, PROBLEMS_MAX).map(({ pointer, rule, message, expected }) => {
    const path = parseJsonPointer(pointer);
    const value = partAt(payload, path);
    const secret = redaction.covers(path);
    if (!samples.has(pointer)) samples.set(pointer, sampleOf(value, path, redaction));
    const words = secret && QUOTING.has(rule) ? undefined : secrets.masked(message, secret ? value : undefined);
    return {
      ...problem(pointer, rule, words ?? `breaks the rule ${rule}`),
      ...(expected === undefined || (secret && QUOTING.has(rule)) ? {} : { expected: clipped(expected) }),
      ...samples.get(pointer),
    };
  });
}

function sampleOf(value: unknown, path: JsonPointer, redaction: Redaction): { sample?: string } {
  return value === undefined ? {} : { sample: redaction.sample(value, path) };
}
