import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** Default 10 000. */
  timeoutMs?: number;
  /** Default 20. */
  everyMs?: number;
  /** What is waited for; a function is asked when the wait has failed, so that it can say how far things got. */
  what: string | (() => string | Promise<string>);
}

/** Waits until a server has said that it is ready. Rejects, with what it said, when it ends instead. */
export async function untilSaid(
  child: { readonly tail: string; readonly exited: unknown },
  ready: RegExp,
  options: UntilOptions & { what: string },
): Promise<void> {
  const what = (): string => `${options.what}\n${child.tail.slice(-4_000)}`;
  await until(() => child.exited !== undefined || ready.test(child.tail), { ...options, what });
  if (child.exited) throw new Error(`it ended: ${what()}`);
}

/**
 * Asks `probe` again and again until it answers something truthy, and resolves with that. A probe that throws has
 * not answered yet; its last error is part of the failure's message.
 */
export async function until<T>(probe: () => T | Promise<T>, options: UntilOptions): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, everyMs = 20, what } = options;
  const ends = performance.now() + timeoutMs;
  let thrown: unknown;
  for (;;) {
    try {
      const answer = await probe();
      thrown = undefined;
      if (answer) return answer;
    } catch (error) {
      thrown = error;
    }
    if (performance.now() >= ends) break;
    await sleep(everyMs);
  }
  const text = typeof what === 'string' ? what : await what();
  throw new Error(`waited ${timeoutMs} ms in vain for ${text}`, { cause: thrown });
}
