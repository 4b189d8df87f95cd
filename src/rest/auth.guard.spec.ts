import 'reflect-metadata';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SetMetadata, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ERRORS, HoldfastError } from '../domain/errors.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import type { HttpSettings } from '../domain/settings.js';
import { AuthGuard } from './auth.guard.js';

const TOKENS: Exclude<HttpSettings['auth'], 'none' | undefined> = {
  tokens: [
    { name: 'app', token: 'app-token', scopes: ['publish'] },
    { name: 'reader', token: 'reader-token', scopes: ['read'] },
    { name: 'operator', token: 'operator-token', scopes: ['read', 'admin'] },
  ],
};

/** A call of a handler that needs `scope`, and none where that is undefined. */
function call(authorization: string | undefined, scope?: Scope): ExecutionContext {
  const handler = (): void => undefined;
  if (scope) SetMetadata(SCOPE_METADATA, scope)(handler);
  return {
    switchToHttp: () => ({ getRequest: () => ({ headers: { authorization } }) }),
    getHandler: () => handler,
  } as unknown as ExecutionContext;
}

/** 0 when the guard lets the call pass, the status of its refusal otherwise. */
function status(authorization: string | undefined, scope?: Scope, auth: HttpSettings['auth'] = TOKENS): number {
  try {
    assert.equal(new AuthGuard({ auth }, new Reflector()).canActivate(call(authorization, scope)), true);
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

  it('one token under two names has the scopes of both', () => {
    const [app] = TOKENS.tokens as [(typeof TOKENS.tokens)[0]];
    const auth = { tokens: [app, { ...app, name: 'again', scopes: ['read' as const] }] };
    assert.deepEqual([status('Bearer app-token', 'publish', auth), status('Bearer app-token', 'read', auth)], [0, 0]);
  });

  it('without auth, or with none in words, everyone may', () => {
    const guards = [
      new AuthGuard({ auth: undefined }, new Reflector()),
      new AuthGuard({ auth: 'none' }, new Reflector()),
    ];
    for (const guard of guards) assert.equal(guard.canActivate(call(undefined, 'admin')), true);
  });

  it('without auth, a web page of another origin may read what browsers let it, and change nothing', () => {
    const guard = new AuthGuard({ auth: undefined }, new Reflector());
    const asked = (method: string, origin?: string): boolean => {
      const request = { method, headers: { host: '127.0.0.1:8080', origin } };
      const context = { switchToHttp: () => ({ getRequest: () => request }) } as unknown as ExecutionContext;
      return guard.canActivate(context);
    };
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
      assert.ok(asked(method));
      assert.ok(asked(method, 'http://127.0.0.1:8080'));
    }
    assert.ok(asked('GET', 'http://evil.example'));
    for (const origin of ['http://evil.example', 'http://127.0.0.1:9', 'https://127.0.0.1', 'null', '', '://']) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        assert.throws(() => asked(method, origin), { code: 'FORBIDDEN' }, `${method} ${origin}`);
      }
    }
  });

  it('a configuration without any token lets nobody pass', () => {
    assert.equal(status('Bearer app-token', 'read', { tokens: [] }), 401);
  });
});
