import { HoldfastError } from '../domain/errors.js';
import { invalid, PROBLEMS_MAX } from '../domain/request-problem.js';
import { BATCH_PROBLEMS_MAX } from './brief.js';
import { elementTexts } from './json-text.js';
import { parsePublish } from './publish.dto.js';
import type { Wanted } from './publisher.js';

/**
 * The body of `POST /v1/publish/batch`: an array of what `POST /v1/publish` takes. @param text the body as it was
 * written @returns an error for each that cannot be understood
 * @throws HoldfastError REQUEST_INVALID when it is no array of 1 to `countMax`
 */
export function parseBatch(body: unknown, text: () => string, countMax: number): (Wanted | HoldfastError)[] {
  if (!Array.isArray(body) || body.length === 0 || body.length > countMax) {
    throw invalid([{ pointer: '', message: `the body must be a JSON array of 1 to ${countMax} publishes` }]);
  }
  let texts: string[] | undefined;
  let left = BATCH_PROBLEMS_MAX;
  return body.map((one: unknown, i) => {
    try {
      const most = Math.max(1, Math.min(left, PROBLEMS_MAX));
      return parsePublish(one, () => (texts ??= elementTexts(text()))[i]!, most);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      left -= ((error.details['errors'] ?? []) as unknown[]).length;
      return error;
    }
  });
}
