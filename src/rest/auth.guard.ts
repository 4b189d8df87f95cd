import { Inject, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Caller, CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { SCOPE_METADATA, type Access } from '../domain/scope.js';
import { Callers } from './callers.js';

/**
 * Global, and a guard rather than middleware: middleware is matched by address, which HEAD requests and
 * trailing slashes have got around; a guard runs for the handler that is about to answer. What the door before it
 * has seen of the caller is used, and nothing depends on the door having been there.
 */
export class AuthGuard implements CanActivate {
  constructor(
    @Inject(Callers) private readonly callers: Callers,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const access = this.reflector.get<Access | undefined>(SCOPE_METADATA, context.getHandler()) ?? 'admin';
    if (access === 'public' || !this.callers.needed) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest & CallerRequest>();
    request.caller ??= this.callers.identify(request.headers.authorization);
    checkScope(request.caller, access);
    return true;
  }
}

/** No scope contains another. @throws HoldfastError FORBIDDEN */
export function checkScope({ name, scopes }: Caller, scope: Exclude<Access, 'public'>): void {
  if (scope === 'any' || scopes.includes(scope)) return;
  throw new HoldfastError('FORBIDDEN', `this call needs the scope "${scope}", which the token "${name}" does not have`);
}
