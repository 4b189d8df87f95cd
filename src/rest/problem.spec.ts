import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NotFoundException, PayloadTooLargeException, type ArgumentsHost } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ERRORS, HoldfastError, type ErrorCode } from '../domain/errors.js';
import { FaultLog, ProblemFilter, refuseUnrouted } from './problem.filter.js';
import { asHoldfastError, problemDetails, problemMessage } from './problem.js';

/** A reply that keeps what it is given. */
class Reply {
  readonly request = { raw: { headers: { 'x-request-id': 'mine' } }, caller: { name: 'night' } };
  sent: { [name: string]: string } = {};
  code = 0;
  body: { [member: string]: unknown } = {};

  headers(headers: { [name: string]: string }): this {
    this.sent = headers;
    return this;
  }
  status(code: number): this {
    this.code = code;
    return this;
  }
  send(body: object): this {
    this.body = { ...body };
    return this;
  }
}

class Faults extends FaultLog {
  readonly told: unknown[] = [];
  override fault(error: unknown, request: { requestId: string; caller: string | null }): void {
    this.told.push(error);
    assert.deepEqual(request, { requestId: 'mine', caller: 'night' });
  }
}

function answer(thrown: unknown): { reply: Reply; faults: unknown[] } {
  const reply = new Reply();
  const faults = new Faults();
  const host = {
    switchToHttp: () => ({ getResponse: () => reply, getRequest: () => reply.request }),
  } as unknown as ArgumentsHost;
  new ProblemFilter(faults).catch(thrown, host);
  return { reply, faults: faults.told };
}

function refusedByFramework(statusCode: number): Error {
  return Object.assign(new Error(`refused with ${statusCode}`), { statusCode });
}

describe('errors as problem details', () => {
  it('a fault inside is told to the log, and to the caller only that there was one', () => {
    for (const fault of [new Error('secret'), 'secret', undefined, null, { secret: 1 }, refusedByFramework(500)]) {
      const { reply, faults } = answer(fault);
      assert.deepEqual([reply.code, reply.body['code']], [500, 'INTERNAL']);
      assert.doesNotMatch(JSON.stringify(reply.body), /secret|refused/);
      assert.deepEqual(faults, [fault]);
    }
  });

  it('every code has its status, a title, and the type that is documented', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const { reply, faults } = answer(new HoldfastError(code, 'why'));
      const { status, title, type, detail, hint, requestId } = reply.body;
      assert.equal(requestId, 'mine');
      assert.equal(reply.sent['content-type'], 'application/problem+json');
      assert.deepEqual([reply.code, status, detail], [ERRORS[code].status, ERRORS[code].status, 'why']);
      assert.deepEqual([type, hint], [`urn:holdfast:error:${code}`, ERRORS[code].hint]);
      assert.notEqual(title, 'Error', `status ${String(status)} has no title`);
      assert.equal(reply.sent['retry-after'], ERRORS[code].retryable ? '5' : undefined);
      assert.equal(reply.sent['www-authenticate'], code === 'UNAUTHORIZED' ? 'Bearer' : undefined);
      assert.deepEqual(faults, []);
    }
  });

  it('details are members of their own, and cannot replace what is defined', () => {
    const details = { cause: 'publish-denied', code: 'MINE', status: 200 };
    const { cause, code, status } = problemDetails(new HoldfastError('PUBLISH_REFUSED', 'why', { details }));
    assert.deepEqual([cause, code, status], ['publish-denied', 'PUBLISH_REFUSED', 502]);
  });

  it('what the framework refused is said in our terms', () => {
    const code = (thrown: unknown): string | undefined => asHoldfastError(thrown)?.code;
    assert.equal(code(new NotFoundException()), 'NOT_FOUND');
    assert.equal(code(new PayloadTooLargeException()), 'PAYLOAD_TOO_LARGE');
    assert.equal(code(refusedByFramework(415)), 'CONTENT_TYPE_UNSUPPORTED');
    for (const status of [400, 405, 414, 422, 499]) assert.equal(code(refusedByFramework(status)), 'REQUEST_INVALID');
    for (const status of [200, 302, 500, 503]) assert.equal(code(refusedByFramework(status)), undefined);
    assert.match(asHoldfastError(refusedByFramework(415))!.message, /application\/json/);
    const errors = [{ pointer: '', message: 'refused with 400' }];
    assert.deepEqual(asHoldfastError(refusedByFramework(400))!.details, { errors });
  });

  it('what is refused before there is a route looks the same', () => {
    const reply = new Reply();
    refuseUnrouted(refusedByFramework(414), undefined, reply as unknown as FastifyReply);
    assert.deepEqual([reply.code, reply.sent['content-type']], [400, 'application/problem+json']);
  });

  it('says in headers what callers look for there', () => {
    const sent = (code: ErrorCode, details: { [name: string]: unknown }): Reply['sent'] =>
      answer(new HoldfastError(code, 'why', { details })).reply.sent;
    assert.equal(sent('TOO_MANY_REQUESTS', { retryAfterSeconds: 17 })['retry-after'], '17');
    assert.equal(sent('METHOD_NOT_ALLOWED', { allow: ['GET', 'PUT'] })['allow'], 'GET, PUT');
  });

  it('where no request could be read it is a whole answer, and the last one', () => {
    const [head, body] = problemMessage(new HoldfastError('REQUEST_TIMEOUT', 'why')).split('\r\n\r\n') as [
      string,
      string,
    ];
    assert.match(head, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    assert.match(head, /\r\nconnection: close(\r\n|$)/);
    assert.match(head, new RegExp(`\\r\\ncontent-length: ${Buffer.byteLength(body)}\\r\\n`));
    assert.match(head, /\r\nx-content-type-options: nosniff\r\n/);
    assert.equal((JSON.parse(body) as { code: string }).code, 'REQUEST_TIMEOUT');
  });
});
