import { HoldfastError } from '../domain/errors.js';
import { invalid, pointerTo, type RequestProblem } from '../domain/request-problem.js';
import type { Fields } from './emqx.js';
import { parsePublish } from './publish.dto.js';
import type { Wanted } from './publisher.js';

/**
 * The body of `POST /v1/request`: that of a publish, without a response topic, and `timeoutSeconds`.
 * @param text the body as it was written
 * @throws HoldfastError REQUEST_INVALID with every problem in `errors`, QOS_UNSUPPORTED
 */
export function parseRequest(
  body: unknown,
  text: (() => string) | undefined,
  timeoutMsMax: number,
): { wanted: Wanted; timeoutMs: number | undefined } {
  const { timeoutSeconds, ...publish } = isFields(body) ? body : {};
  const problems: RequestProblem[] = [];
  const secondsMax = timeoutMsMax / 1_000;
  const fits = typeof timeoutSeconds === 'number' && timeoutSeconds > 0 && timeoutSeconds <= secondsMax;
  if (timeoutSeconds !== undefined && timeoutSeconds !== null && !fits) {
    problems.push({ pointer: '/timeoutSeconds', message: `must be a number above 0 and up to ${secondsMax}` });
  }
  try {
    const wanted = parsePublish(isFields(body) ? publish : body, text);
    if (wanted.properties?.responseTopic !== undefined) {
      problems.push({
        pointer: pointerTo(...responseTopicIn(publish)),
        message: 'is the gateway’s to choose; leave it out',
      });
    }
    if (problems.length === 0) return { wanted, timeoutMs: fits ? timeoutSeconds * 1_000 : undefined };
  } catch (error) {
    if (!(error instanceof HoldfastError) || problems.length === 0) throw error;
    problems.push(...((error.details['errors'] ?? []) as RequestProblem[]));
  }
  throw invalid(problems);
}

/** Where the body has it: in our words, or in EMQX's. */
function responseTopicIn({ properties }: Fields): string[] {
  const theirs = isFields(properties) && typeof properties['response_topic'] === 'string';
  return theirs ? ['properties', 'response_topic'] : ['responseTopic'];
}

function isFields(body: unknown): body is Fields {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}
