import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import type { Callers } from './callers.js';
import { requestIdOf } from './request-id.js';
import type { RouteTable } from './routes.js';

/** What somebody who may change things has asked for, and how it was answered. */
export interface Action {
  requestId: string;
  /** The token's name; null: there are no tokens. */
  caller: string | null;
  method: string;
  /** As the router has it: `/v1/subscribers/:id/pause`. */
  route: string;
  params: unknown;
  /** Only of what was understood: what was not may be anything, also a secret. */
  query?: unknown;
  status: number;
  durationMs: number;
}

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** A Fastify `onResponse` hook that tells of calls for the scope `admin` that were let in, and change something. */
export function actions(parts: { routes: RouteTable; callers: Callers; done: (action: Action) => void }) {
  const { routes, callers } = parts;
  return (request: FastifyRequest & CallerRequest, reply: FastifyReply, next: () => void): void => {
    const { method, params, query, caller } = request;
    const route = request.is404 ? undefined : request.routeOptions.url;
    const letIn = !callers.needed || caller !== undefined;
    // 405: the door has found another route.
    if (route !== undefined && letIn && reply.statusCode !== 405 && isAction(method, route, routes)) {
      const understood = reply.statusCode < 400 && Object.keys(query as object).length > 0;
      parts.done({
        requestId: requestIdOf(request.raw),
        caller: caller?.name ?? null,
        ...{ method, route, params },
        ...(understood ? { query } : {}),
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
      });
    }
    next();
  };
}

function isAction(method: string, route: string, routes: RouteTable): boolean {
  return !READS.has(method) && routes.access(method, route) === 'admin';
}
