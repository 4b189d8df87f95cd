import { isUtf8 } from 'node:buffer';
import type { Record } from './record.js';

/**
 * The payload of a record as JSON, read at first use. Only that of the newest record is kept: a record is looked at
 * by all its subscribers in one go, and what JSON becomes in memory may be many times its bytes.
 */
export class PayloadJson {
  #record: Record | undefined;
  #value: unknown;

  /** undefined when the payload is no JSON */
  readonly of = (record: Record): unknown => {
    if (record !== this.#record) {
      this.#value = parsed(record.payload);
      this.#record = record;
    }
    return this.#value;
  };
}

function parsed(payload: Uint8Array): unknown {
  if (payload.length === 0 || !isUtf8(payload)) return undefined;
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8'));
  } catch {
    return undefined;
  }
}
