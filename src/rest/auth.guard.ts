import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { HoldfastError } from '../domain/errors.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import type { HttpSettings } from '../domain/settings.js';

export abstract class HttpAccess {
  abstract readonly auth: HttpSettings['auth'];
}

/**
 * Global, and a guard rather than middleware: middleware is matched by address, which HEAD requests and
 * trailing slashes have got around; a guard runs for the handler that is about to answer.
 */
export class AuthGuard implements CanActivate {
  readonly #tokens: { digest: Buffer; scopes: readonly Scope[] }[] | undefined;

  constructor(
    @Inject(HttpAccess) access: HttpAccess,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {
    if (access.auth === undefined || access.auth === 'none') return; // absent: loopback only, as the configuration checks
    this.#tokens = access.auth.tokens.map(({ token, scopes }) => ({ digest: digestOf(token), scopes }));
  }

  canActivate(context: ExecutionContext): boolean {
    const { headers, method } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!this.#tokens) return fromHere(headers, method);
    const { authorization } = headers;
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (given === undefined) throw new HoldfastError('UNAUTHORIZED', 'this call needs a bearer token');
    const digest = digestOf(given);
    // Every token is compared, and in constant time: the answer's delay says nothing of any of them.
    const known = this.#tokens.filter((token) => timingSafeEqual(token.digest, digest));
    if (known.length === 0) throw new HoldfastError('UNAUTHORIZED', 'this bearer token is not known');
    const scope = this.reflector.get<Scope | undefined>(SCOPE_METADATA, context.getHandler()) ?? 'admin';
    if (!known.some(({ scopes }) => scopes.includes(scope))) {
      throw new HoldfastError('FORBIDDEN', `this call needs the scope "${scope}"`);
    }
    return true;
  }
}

/** Any web page may send a POST without a body to this machine; browsers say where such a request comes from. */
function fromHere({ origin, host }: FastifyRequest['headers'], method: string): boolean {
  const foreign = origin !== undefined && URL.parse(origin)?.host !== host?.toLowerCase();
  if (method === 'GET' || method === 'HEAD' || !foreign) return true;
  throw new HoldfastError('FORBIDDEN', 'a web page of another origin may not do this');
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
