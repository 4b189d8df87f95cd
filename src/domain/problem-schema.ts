import { CAUSES } from './cause.js';
import { ERRORS, type ErrorCode } from './errors.js';
import { REJECTION_REASONS, type Problem } from './record.js';
import type { RequestProblem } from './request-problem.js';
import {
  count,
  listOf,
  object,
  objectKeywords,
  optional,
  Schema,
  text,
  uuid,
  words,
  type AnySchema,
  type Members,
} from './schema.js';

const requestProblem = object<RequestProblem>({
  pointer: text.says('JSON pointer into the body, or `/` and the parameter; empty for all of it.'),
  message: text,
}).named('RequestProblem');

/** What failed a contract. */
export const contractProblem = object<Problem>({
  pointer: text.says('JSON pointer into the payload; empty for all of it.'),
  rule: text.says('The rule that failed, such as `required`.'),
  message: text,
  expected: optional(text.says('What the rule wants.')),
  sample: optional(text.says('The value there, as clipped JSON without its secrets.')),
}).named('ContractProblem');

const configProblem = object<{ path: string; line: number; column: number; message: string; mend: string }>({
  path: text.says('Where in the configuration file, such as `subscribers[0].url`.'),
  line: count.says('From 1; 0: the file could not be read.'),
  column: count,
  message: text,
  mend: text.says('What to do about it.'),
}).named('ConfigProblem');

const publishId = { id: uuid.says('Of the publish: see `GET /v1/publishes/{id}`.') };
const refusal = { cause: words(...CAUSES), reasonCode: optional(count.says('MQTT reason code.')) };

/** What problems of these codes say besides what all of them say. */
const MEMBERS: { readonly [code in ErrorCode]?: Members } = {
  REQUEST_INVALID: { errors: listOf(requestProblem, { minItems: 1 }).says('Every problem there is.') },
  METHOD_NOT_ALLOWED: { allow: listOf(text).says('The methods this address takes.') },
  TOO_MANY_REQUESTS: { retryAfterSeconds: count },
  KEYS_FULL: { retryAfterSeconds: count },
  CONTRACT_FAILED: { contract: text, reason: words(...REJECTION_REASONS), problems: listOf(contractProblem) },
  RELOAD_REFUSED: { problems: listOf(configProblem) },
  RELOAD_INCOMPLETE: {
    changed: listOf(text).says('What is in force now and was not before.'),
    needsRestart: listOf(text),
    problems: listOf(configProblem).says('What is as it was, and why.'),
  },
  BACKLOG_WOULD_BE_LOST: { lagRecords: count.says('Records that have yet to be given to the subscriber.') },
  PUBLISH_REFUSED: { ...publishId, ...refusal, mend: text.says('What to do about it.') },
  PUBLISH_EXPIRED: publishId,
  RESPONSE_TIMEOUT: publishId,
  RESPONSES_DENIED: refusal,
};

const known = new Map<ErrorCode, AnySchema>();

/** Problem details with one of these codes. Each code has a schema of its own: clients may rely on every member. */
export function problemSchema(...codes: ErrorCode[]): AnySchema {
  const oneOf = codes.map((code) => known.get(code) ?? made(code));
  return oneOf.length === 1 ? oneOf[0]! : new Schema<object>({ oneOf, discriminator: { propertyName: 'code' } });
}

function made(code: ErrorCode): AnySchema {
  const { status, hint } = ERRORS[code];
  const members = {
    type: words(`urn:holdfast:error:${code}`),
    title: text.says('What the status means.'),
    status: words(status),
    detail: text.says('What is wrong with this request.'),
    code: words(code),
    hint: text.says('What to do about it.'),
    requestId: optional(
      text.says('As in the header `x-request-id`, and in the log; absent in one of several answers.'),
    ),
    ...MEMBERS[code],
  };
  const schema = new Schema<object>({ description: hint, ...objectKeywords(members) }, code);
  known.set(code, schema);
  return schema;
}
