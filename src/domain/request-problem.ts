import { HoldfastError } from './errors.js';

/** Told at once, at most. Whoever gathers problems may stop there. */
export const PROBLEMS_MAX = 100;

export interface RequestProblem {
  /** JSON pointer into the body; '' for all of it, or when the message says what it is about. */
  pointer: string;
  message: string;
}

/** JSON pointer (RFC 6901) to what these names lead to. */
export function pointerTo(...names: string[]): string {
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export function invalid(problems: readonly RequestProblem[]): HoldfastError {
  const errors = problems.slice(0, PROBLEMS_MAX);
  const message = errors.map(({ pointer, message }) => (pointer ? `${pointer}: ${message}` : message)).join('; ');
  return new HoldfastError('REQUEST_INVALID', message, { details: { errors } });
}
