import { isUtf8 } from 'node:buffer';
import { invalid } from './request-problem.js';

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** A parser may ignore the mark [RFC 8259, 8.1]; whatever looks into the body after it would trip over it. */
export function withoutByteOrderMark(body: Buffer): Buffer {
  const marked = body[0] === BYTE_ORDER_MARK[0] && BYTE_ORDER_MARK.equals(body.subarray(0, BYTE_ORDER_MARK.length));
  return marked ? body.subarray(BYTE_ORDER_MARK.length) : body;
}

/**
 * The value of a body without a byte order mark. `__proto__` and `constructor` are names like any other, of members of
 * the object's own: whoever reads it may look at those alone, and set none by its name.
 * @throws HoldfastError REQUEST_INVALID
 */
export function parseJsonBody(body: Buffer): unknown {
  // What is not UTF-8 would be replaced, and something else than was sent would be published.
  if (!isUtf8(body)) throw invalid([{ pointer: '', message: 'the body is not UTF-8' }]);
  try {
    return JSON.parse(body.toString());
  } catch {
    throw invalid([{ pointer: '', message: 'the body is not JSON' }]); // the parser's message would quote it
  }
}
