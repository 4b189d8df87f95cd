/** Calls of the gateway, with the token of whoever looks. Addresses are relative: a proxy may have put a path before them. */
import { signal } from '@preact/signals';
import { NO_ANSWER, problemOf, sentence, type Problem } from '../shown/problem.js';
import type { CallerFacts } from '../shown/types.js';

const TOKEN_KEY = 'holdfast.token';

/** Kept as long as the tab is open, and seen by no other. */
let token = sessionStorage.getItem(TOKEN_KEY) ?? '';

/** Why a token is asked for; undefined: none is. '': there was none, and nothing may be seen. */
export const signInWanted = signal<string | undefined>(undefined);
/** Undefined until it is known, and when the gateway does not say. */
export const caller = signal<CallerFacts | undefined>(undefined);
export const callerProblem = signal('');
/** Counts tokens: what was read with another one is read again. */
export const signIns = signal(0);

export class CallFailed extends Error {
  constructor(readonly problem: Problem) {
    super(sentence(problem));
  }
}

export interface Call {
  method?: 'GET' | 'POST' | 'DELETE';
  body?: unknown;
  headers?: { [name: string]: string };
  signal?: AbortSignal;
}

/** The answer, whose status is 2xx. @throws CallFailed */
export async function open(path: string, { method = 'GET', body, headers, signal }: Call = {}): Promise<Response> {
  const sent: { [name: string]: string } = { ...headers };
  if (token !== '') sent['authorization'] = `Bearer ${token}`;
  if (body !== undefined) sent['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'same-origin',
      signal,
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new CallFailed(NO_ANSWER);
  }
  if (response.ok) return response;
  const problem = problemOf(response.status, await response.text().catch(() => ''));
  if (response.status === 401) {
    signInWanted.value = token === '' ? '' : 'The gateway does not know this token any more.';
  }
  throw new CallFailed(problem);
}

/** The answer as JSON. @throws CallFailed */
export async function call<T>(path: string, options?: Call): Promise<T> {
  return (await (await open(path, options)).json()) as T;
}

export function problemIn(error: unknown): Problem {
  if (error instanceof CallFailed) return error.problem;
  return { ...NO_ANSWER, detail: error instanceof Error ? error.message : String(error), hint: '' };
}

/** Who looks, and what they may do. @returns status of the answer; 0: there was none */
export async function learnCaller(): Promise<number> {
  try {
    caller.value = await call<CallerFacts>('v1/caller');
    callerProblem.value = '';
    signInWanted.value = undefined;
    return 200;
  } catch (error) {
    const { status } = problemIn(error);
    // Without it everything is offered, and the gateway refuses what may not be done.
    if (status !== 401 && status !== 404) callerProblem.value = problemIn(error).detail;
    return status;
  }
}

/** @returns whether the gateway takes it */
export async function signIn(typed: string): Promise<boolean> {
  token = typed.trim();
  const before = signInWanted.value;
  if ((await learnCaller()) === 401) {
    token = '';
    signInWanted.value = before;
    return false;
  }
  signInWanted.value = undefined;
  sessionStorage.setItem(TOKEN_KEY, token);
  signIns.value++;
  return true;
}

export function signOut(): void {
  token = '';
  sessionStorage.removeItem(TOKEN_KEY);
  caller.value = undefined;
  signInWanted.value = '';
}

/** Whether to offer what needs a scope. What is not known is offered. */
export function may(scope: CallerFacts['scopes'][number]): boolean {
  return caller.value === undefined || caller.value.scopes.includes(scope);
}
