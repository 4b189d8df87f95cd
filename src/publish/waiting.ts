import type { PublishResult } from '../domain/publish.js';

interface Waiter {
  /** The result must be on disk. */
  durable: boolean;
  settle(result: PublishResult | undefined): void;
}

/** Who waits for the broker's answers, and what it has answered lately. */
export class Waiting {
  readonly #waiters = new Map<string, Waiter>();
  /** Answered by the broker, and not in the journal yet. */
  readonly #answered = new Map<string, PublishResult>();

  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Resolves with the broker's answer, or undefined: it took too long, or nobody waits any more.
   * @param durable only with one that is in the journal
   */
  for(id: string, waitMs: number, durable: boolean): Promise<PublishResult | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), waitMs);
      const settle = (result: PublishResult | undefined): void => {
        clearTimeout(timer);
        this.#waiters.delete(id);
        resolve(result);
      };
      this.#waiters.set(id, { durable, settle });
    });
  }

  /** What the journal may not know of yet. */
  answer(id: string): PublishResult | undefined {
    return this.#answered.get(id);
  }

  /** The broker has answered; the journal will have it soon. */
  answered(results: readonly PublishResult[]): void {
    for (const result of results) {
      const waiter = this.#waiters.get(result.id);
      if (waiter?.durable !== false) continue; // nobody is told before it is on disk
      this.#answered.set(result.id, result);
      waiter.settle(result);
    }
  }

  /** On disk. Comes for every result, and may come before {@link answered}. */
  confirmed(results: readonly PublishResult[]): void {
    for (const result of results) {
      this.#answered.delete(result.id);
      this.#waiters.get(result.id)?.settle(result);
    }
  }

  letGo(ids: Iterable<string> = [...this.#waiters.keys()]): void {
    for (const id of ids) this.#waiters.get(id)?.settle(undefined);
  }
}
