import type { ErrorCode } from './errors.js';
import type { AnySchema, DtoClass, Members } from './schema.js';

/** Metadata key under which a controller's method says what it does: `/openapi.json` is made of it. */
export const OPERATION_METADATA = 'holdfast:operation';

export const OPERATION_TAGS = {
  publish: 'Publishes, and requests that are answered.',
  link: 'The connection to the broker.',
  subscribers: 'Who receives: read, registered, paused, tested, given records again.',
  records: 'What the journal holds, and the stream of what comes.',
  'dead letters': 'Records a subscriber could not be given.',
  rejections: 'Records that failed their contract.',
  gateway: 'The gateway itself, and what describes it.',
} as const;
export type OperationTag = keyof typeof OPERATION_TAGS;

/** What a call takes, and what it may be answered. What every call may be answered is not repeated here. */
export interface Operation {
  /** Unique; what a generated client calls it. */
  id: string;
  tag: OperationTag;
  /** One line. */
  summary: string;
  /** What else there is to know, in CommonMark. */
  description?: string;
  /** Of the parts of the address that vary. */
  path?: Members;
  /** Of the query: its parameters, or the fields of a class that it may have. */
  query?: Members | { dto: DtoClass; fields: readonly string[] };
  headers?: Members;
  body?: Content & { required?: boolean; description?: string };
  /** By status. */
  answers: { readonly [status: number]: Answer };
  /** Those that are its own. */
  problems?: readonly ErrorCode[];
}

export interface Content {
  /** Default `application/json`. */
  media?: string;
  schema: AnySchema;
}

export interface Answer {
  description: string;
  content?: Content;
  headers?: Members;
}
