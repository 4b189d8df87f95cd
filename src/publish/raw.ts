import { HoldfastError } from '../domain/errors.js';
import { invalid, pointerTo, type RequestProblem } from '../domain/request-problem.js';
import type { Fields } from './emqx.js';
import { parseFields } from './publish.dto.js';
import type { Wanted } from './publisher.js';

/** Query parameters of `POST /v1/publish/raw`, and what each is in a body. undefined: it is not that. */
const PARAMETERS: { readonly [name: string]: (text: string) => unknown } = {
  topic: (text) => text,
  qos: (text) => (/^\d$/.test(text) ? Number(text) : text),
  retain: (text) => (text === '' || text === 'true' ? true : text === 'false' ? false : text),
  expirySeconds: (text) => (/^\d{1,10}$/.test(text) ? Number(text) : text),
  responseTopic: (text) => text,
  correlationData: (text) => text,
};

/** In the words of a body, of which they are a part. */
export const RAW_PARAMETERS = Object.keys(PARAMETERS);

/**
 * The query as what is to be published, with the body's bytes as the payload.
 * @param contentType of the request; goes with it as the MQTT 5 content type
 * @throws HoldfastError REQUEST_INVALID with every problem in `errors`, QOS_UNSUPPORTED
 */
export function parseRaw(query: Fields, payload: Uint8Array, contentType: string | undefined): Wanted {
  const problems: RequestProblem[] = [];
  const fields: Fields = { payload: '', ...(contentType === undefined ? {} : { contentType }) };
  for (const [name, value] of Object.entries(query)) {
    const read = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (!read) problems.push({ pointer: pointerTo(name), message: 'is not a known query parameter' });
    else if (typeof value !== 'string') problems.push({ pointer: pointerTo(name), message: 'is there twice' });
    else fields[name] = read(value);
  }
  try {
    const wanted = parseFields(fields, () => payload);
    if (problems.length === 0) return wanted;
  } catch (error) {
    if (!(error instanceof HoldfastError) || problems.length === 0) throw error;
    problems.push(...((error.details['errors'] ?? []) as RequestProblem[]));
  }
  throw invalid(problems);
}
