import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { tellRefusal, type Refusal } from '../domain/refusal.js';
import { checkScope } from './auth.guard.js';
import type { Callers } from './callers.js';
import { asHoldfastError, sendProblem } from './problem.js';
import type { RouteTable } from './routes.js';

export interface DoorParts {
  routes: RouteTable;
  callers: Callers;
  /** Told of every request whose caller is known, or need not be. What is public anybody may ask for, and it proves nothing. */
  letIn: (request: FastifyRequest) => void;
  /** Told of those that are not, but for those that are for nothing. */
  refused: (why: Refusal) => void;
}

/**
 * A Fastify `onRequest` hook: it runs once the route is known and before any of the body is read, so that whoever may
 * not call cannot make the gateway read. The guard decides again, for the handler that then answers.
 */
export function door({ routes, callers, letIn, refused }: DoorParts) {
  return (request: FastifyRequest & CallerRequest, reply: FastifyReply, done: () => void): void => {
    try {
      const known = enter(request, routes, callers);
      checkEncoding(request.headers);
      if (known) letIn(request);
    } catch (error) {
      const problem = asHoldfastError(error)!;
      tellRefusal(problem, refused);
      return sendProblem(problem, reply);
    }
    done();
  };
}

/** @returns whether it is known who calls, or does not matter */
function enter(request: FastifyRequest & CallerRequest, routes: RouteTable, callers: Callers): boolean {
  const { method, url, headers } = request;
  const known = callers.find(headers.authorization);
  if (known) callers.count(known); // also what is then refused
  const route = request.routeOptions.url ?? '';
  if (request.is404 || routes.isOthers(route, url)) {
    const allow = routes.methods(url);
    if (allow.length === 0) throw new HoldfastError('NOT_FOUND', 'nothing is at this address');
    throw new HoldfastError('METHOD_NOT_ALLOWED', `${method} is not for this address`, { details: { allow } });
  }
  const access = routes.access(method, route);
  if (access === 'public' || !callers.needed) return !callers.needed;
  const caller = known ?? callers.identify(headers.authorization);
  checkScope(caller, access);
  request.caller = caller;
  return true;
}

/** What is compressed would be published so, and nobody told that it is. @throws HoldfastError CONTENT_TYPE_UNSUPPORTED */
function checkEncoding({ 'content-encoding': encoding }: FastifyRequest['headers']): void {
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new HoldfastError('CONTENT_TYPE_UNSUPPORTED', 'a body is taken as it is, and not with a Content-Encoding');
}
