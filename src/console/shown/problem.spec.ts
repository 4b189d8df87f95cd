import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { problemOf, sentence } from './problem.js';

describe('a call that was refused', () => {
  it('says what is wrong, each of it, and what to do', () => {
    const body = JSON.stringify({
      code: 'REQUEST_INVALID',
      detail: 'the request has 2 problems',
      hint: 'See errors.',
      errors: [
        { pointer: '/topic', message: 'is missing' },
        { pointer: '', message: 'is no object' },
      ],
    });
    const problem = problemOf(400, body);
    assert.deepEqual(problem, {
      status: 400,
      code: 'REQUEST_INVALID',
      detail: 'the request has 2 problems',
      hint: 'See errors.',
      items: ['/topic: is missing', 'is no object'],
    });
    assert.equal(sentence(problem), 'the request has 2 problems See errors.');
  });

  it('by something else than the gateway is told as far as it can be', () => {
    for (const body of ['<html>502</html>', '', '[]', 'null', '{"detail":7,"errors":[null]}']) {
      assert.match(problemOf(502, body).detail, /status 502/);
    }
    assert.match(problemOf(404, 'nothing here').detail, /does not have/);
  });

  it('for want of a scope names the token', () => {
    assert.match(sentence(problemOf(403, '{"detail":"needs the scope read","hint":"x"}')), /^This token may not/);
  });
});
