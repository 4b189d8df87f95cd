import { ERRORS, type ErrorCode } from '../domain/errors.js';
import { problemSchema } from '../domain/problem-schema.js';
import type { Json, SchemaWriter } from './schemas.js';

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } } };
const AUTHENTICATE = { 'WWW-Authenticate': { description: '`Bearer`.', schema: { const: 'Bearer' } } };

/** Answers with problem details, by what may be wrong. */
export class ProblemResponses {
  readonly components: Json = {};

  constructor(private readonly schemas: SchemaWriter) {}

  /** By status. @param head an answer to HEAD has no body */
  of(codes: readonly ErrorCode[], head = false): Json {
    const statuses = Map.groupBy([...new Set(codes)].sort(), (code) => String(ERRORS[code].status));
    return Object.fromEntries([...statuses].map(([status, some]) => [status, this.#response(some, head)]));
  }

  #response(codes: ErrorCode[], head: boolean): Json {
    const name = [...codes, ...(head ? ['HEAD'] : [])].join('.');
    const retryable = codes.filter((code) => ERRORS[code].retryable);
    const always = retryable.length === codes.length;
    const retryAfter = { 'Retry-After': { ...RETRY_AFTER['Retry-After'], ...(always ? { required: true } : {}) } };
    const headers = {
      ...(retryable.length > 0 ? retryAfter : {}),
      ...(codes.includes('UNAUTHORIZED') ? AUTHENTICATE : {}),
    };
    this.components[name] ??= {
      description: codes.map((code) => `\`${code}\`: ${ERRORS[code].hint}`).join('\n\n'),
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(head
        ? {}
        : { content: { 'application/problem+json': { schema: this.schemas.of(problemSchema(...codes)) } } }),
    };
    return { $ref: `#/components/responses/${name}` };
  }
}
