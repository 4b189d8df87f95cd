import 'reflect-metadata';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SetMetadata, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { systemClock } from '../domain/clock.js';
import { ERRORS, HoldfastError } from '../domain/errors.js';
import { SCOPE_METADATA, type Access } from '../domain/scope.js';
import type { HttpSettings } from '../domain/settings.js';
import { AuthGuard } from './auth.guard.js';
import { Callers } from './callers.js';

const TOKENS: Exclude<HttpSettings['auth'], 'none' | undefined> = {
  tokens: [
    { name: 'app', token: 'app-token', scopes: ['publish'] },
    { name: 'reader', token: 'reader-token', scopes: ['read'] },
    { name: 'operator', token: 'operator-token', scopes: ['read', 'admin'] },
  ],
};

/** A call of a handler that needs `scope`, and none where that is undefined. */
function call(authorization: string | undefined, scope?: Access): ExecutionContext {
  const handler = (): void => undefined;
  if (scope) SetMetadata(SCOPE_METADATA, scope)(handler);
  return {
    switchToHttp: () => ({ getRequest: () => ({ headers: { authorization } }) }),
    getHandler: () => handler,
  } as unknown as ExecutionContext;
}

function guard(auth: HttpSettings['auth']): AuthGuard {
  return new AuthGuard(new Callers(auth, systemClock), new Reflector());
}

/** 0 when the guard lets the call pass, the status of its refusal otherwise. */
function status(authorization: string | undefined, scope?: Access, auth: HttpSettings['auth'] = TOKENS): number {
  try {
    assert.equal(guard(auth).canActivate(call(authorization, scope)), true);
    return 0;
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    assert.doesNotMatch(error.message, /-token/);
    return ERRORS[error.code].status;
  }
}

describe('who may call', () => {
  it('without a token, or with anything that is not exactly one known bearer token: nobody', () => {
    const given = [undefined, '', 'Bearer', 'Bearer ', 'reader-token', 'Basic cmVhZGVyLXRva2Vu', 'Bearerreader-token'];
    const wrong = ['x', 'reader-toke', 'reader-token-', 'READER-TOKEN', 'x'.repeat(10_000), 'reader-token app-token'];
    for (const authorization of [...given, ...wrong.map((token) => `Bearer ${token}`), 'Token reader-token']) {
      assert.equal(status(authorization, 'read'), 401, authorization);
    }
  });

  it('a known token without the scope: not this call; no scope contains another', () => {
    assert.equal(status('Bearer app-token', 'read'), 403);
    assert.equal(status('Bearer reader-token', 'publish'), 403);
    assert.equal(status('Bearer operator-token', 'publish'), 403);
  });

  it('a call that says no scope needs admin: one that was forgotten is closed, not open', () => {
    assert.equal(status('Bearer reader-token'), 403);
    assert.equal(status('Bearer operator-token'), 0);
  });

  it('a known token with the scope may, whatever the letters of its scheme', () => {
    for (const scheme of ['Bearer ', 'bearer ', 'BEARER   ']) assert.equal(status(`${scheme}reader-token`, 'read'), 0);
  });

  it('without auth, or with none in words, everyone may', () => {
    for (const auth of [undefined, 'none'] as const) {
      assert.equal(guard(auth).canActivate(call(undefined, 'admin')), true);
    }
  });

  it('what is public needs nothing, whoever asks', () => {
    for (const authorization of [undefined, 'Bearer wrong', 'Bearer app-token']) {
      assert.equal(status(authorization, 'public'), 0);
    }
  });

  it('a configuration without any token lets nobody pass', () => {
    assert.equal(status('Bearer app-token', 'read', { tokens: [] }), 401);
  });
});
