/** Server-Sent Events read by `fetch`: a browser's own reader cannot send the header that has the token. */

export interface ServerEvent {
  /** `message` when the server names none. */
  name: string;
  /** The last id that was said, '' before the first. */
  id: string;
  data: string;
}

/** Beyond this an event without an end is given up: it is no event stream. */
const EVENT_LENGTH_MAX = 16 * 1024 * 1024;

/** What comes in pieces, as lines: an end of line may be cut in two, and so may a character. */
export class Lines {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** The lines that end in this piece, without their ends. */
  feed(piece: Uint8Array): string[] {
    this.#rest += this.#decoder.decode(piece, { stream: true });
    if (this.#rest.length > EVENT_LENGTH_MAX) throw new Error('a line without an end');
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    return lines;
  }
}

/** The events of a stream, in the order in which they come. */
export class EventReader {
  readonly #lines = new Lines();
  #name = '';
  #data: string[] = [];
  #id = '';

  /** The events that end in this piece. */
  feed(piece: Uint8Array): ServerEvent[] {
    return this.#lines.feed(piece).flatMap((line) => this.#line(line));
  }

  #line(line: string): ServerEvent[] {
    if (line === '') return this.#dispatch();
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (field === 'event') this.#name = value ?? '';
    else if (field === 'data') this.#data.push(value ?? '');
    else if (field === 'id' && !value?.includes('\0')) this.#id = value ?? '';
    return []; // also for comments, which say that the server is there
  }

  #dispatch(): ServerEvent[] {
    const event = { name: this.#name || 'message', id: this.#id, data: this.#data.join('\n') };
    const empty = this.#data.length === 0;
    this.#name = '';
    this.#data = [];
    return empty ? [] : [event];
  }
}
