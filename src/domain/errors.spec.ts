import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ERRORS, HoldfastError, type ErrorCode } from './errors.js';

const codes = Object.keys(ERRORS) as ErrorCode[];

describe('errors', () => {
  it('keep what caused them, and their details', () => {
    const cause = new Error('EIO');
    const error = new HoldfastError('JOURNAL_IO', 'the commit failed', { cause, details: { path: 'x' } });
    assert.equal(error.cause, cause);
    assert.deepEqual(error.details, { path: 'x' });
    assert.deepEqual(new HoldfastError('INTERNAL', 'x').details, {});
    assert.ok(error instanceof Error);
    assert.equal(`${error}`, 'HoldfastError: the commit failed');
  });

  it('say what their table says', () => {
    for (const code of codes) {
      const error = new HoldfastError(code, 'x');
      assert.deepEqual([error.code, error.hint, error.retryable], [code, ERRORS[code].hint, ERRORS[code].retryable]);
    }
  });

  it('every code has an HTTP error status and a hint that is a sentence', () => {
    for (const code of codes) {
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
      assert.ok(ERRORS[code].status >= 400 && ERRORS[code].status < 600, code);
      assert.match(ERRORS[code].hint, /^\S.{10,}\.$/, code);
    }
  });

  it('what may be tried again is answered so that callers do', () => {
    const retried = [408, 409, 429, 502, 503, 504]; // each with Retry-After, which says that it is worth trying
    for (const code of codes) {
      if (ERRORS[code].retryable) assert.ok(retried.includes(ERRORS[code].status), code);
    }
  });
});
