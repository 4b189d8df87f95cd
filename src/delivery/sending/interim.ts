const [CR, LF, ZERO, ONE, THREE] = [0x0d, 0x0a, 0x30, 0x31, 0x33];
/** Of `HTTP/1.1 100`, the digits of the status. */
const [FIRST_DIGIT, LAST_DIGIT] = [9, 11];

/**
 * undici hangs up when it meets a `100 Continue` that nobody asked for, although a client must pass over any interim
 * answer (RFC 9110, 15.2). It does pass over a `103`: so a 100 becomes one before it is parsed.
 */
export class InterimAnswers {
  #final = false;
  /** Where in the status line of an answer the next byte is; beyond the status in the rest of an interim head. */
  #column = 0;
  #tens = false;
  /** The line so far is empty. */
  #blank = false;

  /** A request begins, on a connection that nothing is due on. */
  begin(): void {
    this.#final = false;
    this.#column = 0;
  }

  /** Bytes as they come; nothing is looked at once the final answer has begun. */
  pass(bytes: Uint8Array): void {
    if (this.#final) return;
    if (this.#column === 0 && bytes.length > FIRST_DIGIT && bytes[0]! > CR && bytes[FIRST_DIGIT] !== ONE) {
      this.#final = true;
      return;
    }
    for (let i = 0; i < bytes.length && !this.#final; i++) this.#next(bytes, i);
  }

  #next(bytes: Uint8Array, i: number): void {
    const byte = bytes[i]!;
    if (this.#column > LAST_DIGIT) return this.#inHead(byte);
    if (this.#column === 0 && (byte === CR || byte === LF)) return; // left over from what was before
    if (this.#column === FIRST_DIGIT && byte !== ONE) this.#final = true;
    if (this.#column === FIRST_DIGIT + 1) this.#tens = byte !== ZERO;
    if (this.#column === LAST_DIGIT && byte === ZERO && !this.#tens) bytes[i] = THREE;
    this.#column++;
  }

  #inHead(byte: number): void {
    if (byte === CR) return;
    if (byte !== LF) this.#blank = false;
    else if (this.#blank) this.#column = 0;
    else this.#blank = true;
  }
}
