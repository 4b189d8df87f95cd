import { isUtf8 } from 'node:buffer';
import type { Record } from './record.js';

/** What a payload says where it is no JSON, or is so only after something was undone. */
export interface DecodedPayload {
  /** undefined: nobody can read it. */
  value: unknown;
  /** Names the way it was read by, and is never empty: another one may make something else of the same bytes. */
  way: string;
}

/** Reads a payload by its contract. Must not throw; undefined: it is to be read as JSON, as it came. */
export type DecodePayload = (record: Record) => DecodedPayload | undefined;

/** Whether the contract that a record's topic has now lets through only what it can read, and cannot read this: it came under another. */
export type IsForeign = (record: Record) => boolean;

/** Stands for a payload of which nothing can be said. */
export const UNREADABLE = Symbol('unreadable');

/** How the payloads of all topics are read. Another object with each change, also with a change back. */
export interface Ways {
  /** Equal where all topics are read alike; without spaces, and never empty. */
  readonly name: string;
}

const AS_JSON: Ways = { name: 'json' };

/**
 * The payload of a record as a JSON-like value, read at first use. Only that of the newest record is kept: a record is
 * looked at by all its subscribers in one go, and what JSON becomes in memory may be many times its bytes.
 */
export class PayloadJson {
  #record: Record | undefined;
  #value: unknown;
  #way = '';
  #ways: Ways | undefined;
  #foreign: boolean | undefined;

  /** @param ways those that `decode` goes by now */
  constructor(
    private readonly decode: DecodePayload = () => undefined,
    readonly ways: () => Ways = () => AS_JSON,
    private readonly isForeign: IsForeign = () => false,
  ) {}

  /** undefined when it says nothing that could be compared */
  readonly of = (record: Record): unknown => {
    const ways = this.ways();
    if (record !== this.#record || ways !== this.#ways) {
      this.#ways = ways;
      const decoded = this.decode(record);
      this.#value = decoded ? decoded.value : parsed(record.payload);
      this.#way = decoded?.way ?? '';
      this.#record = record;
      this.#foreign = undefined;
    }
    return this.#value;
  };

  /** As {@link of}, but {@link UNREADABLE} for what is foreign: a filter must not leave it out. */
  readonly forFilter = (record: Record): unknown => {
    const value = this.of(record);
    if (value !== undefined) return value;
    return (this.#foreign ??= this.isForeign(record)) ? UNREADABLE : undefined;
  };

  /** How {@link of} read it; empty: as JSON, as it came. */
  readonly wayOf = (record: Record): string => {
    this.of(record);
    return this.#way;
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
