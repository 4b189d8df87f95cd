import { HoldfastError } from '../domain/errors.js';

/** Problems that are told of one batch, beside the first of each of its publishes. */
export const BATCH_PROBLEMS_MAX = 1_000;
/** Of each text that is told of one. */
const TEXT_MAX = 300;

/**
 * What the publishes of a batch are refused with, so short that the answer, which may be kept for a day, is of the order of
 * its request. One that is alone may take its space.
 */
export function brief<T>(answers: readonly (T | HoldfastError)[]): (T | HoldfastError)[] {
  if (answers.length < 2) return [...answers];
  let left = BATCH_PROBLEMS_MAX;
  const short = (value: unknown): unknown => {
    if (typeof value === 'string') return clipped(value);
    if (!Array.isArray(value)) return value;
    const told = value.slice(0, Math.max(1, left));
    left -= told.length;
    return told.map((one: object) =>
      Object.fromEntries(Object.entries(one).map(([name, text]) => [name, short(text)])),
    );
  };
  return answers.map((answer) => {
    if (!(answer instanceof HoldfastError)) return answer;
    const details = Object.fromEntries(Object.entries(answer.details).map(([name, value]) => [name, short(value)]));
    return new HoldfastError(answer.code, clipped(answer.message), { details });
  });
}

function clipped(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX).toWellFormed()}…` : text;
}
