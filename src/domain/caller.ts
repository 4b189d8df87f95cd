import type { Scope } from './scope.js';
import { topicMatches } from './topic.js';

/** Who calls: a token of `http.auth`. */
export interface Caller {
  /** The token's name; logs and answers show it, and never the token. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Topic filters it may publish to, of what `publish.allow` lets in. Absent: all of it. */
  readonly publish?: readonly string[];
  /** Aborted when the token is gone, or has lost a scope: what it holds open must end. */
  readonly revoked: AbortSignal;
}

/** A request that was let in. No caller: the page is public, or there are no tokens. */
export interface CallerRequest {
  caller?: Caller;
}

export function mayPublish(caller: Caller | undefined, topic: string): boolean {
  return caller?.publish?.some((filter) => topicMatches(filter, topic)) ?? true;
}
