import { setTimeout as wait } from 'node:timers/promises';
import type { Checked, RespawnReason } from '../contract/index.js';
import type { Verdict } from '../domain/contract.js';
import { HoldfastError } from '../domain/errors.js';
import type { RejectionReason } from '../domain/record.js';
import type { ContractThreadCalls } from './contract.thread.js';
import type { Channel } from './rpc.js';

/** How long until a thread that has ended is looked for again. */
const AGAIN_MS = 50;

const ENDED: { [reason in RespawnReason]?: { reason: RejectionReason; message: string } } = {
  timeout: { reason: 'timeout', message: 'the check of this payload did not end within its budget' },
  crashed: { reason: 'crashed', message: 'the check of this payload ended its thread' },
};

/**
 * Asks the contract thread about publishes. One whose check ends the thread has failed; the others that were with it
 * are asked about again.
 */
export class PublishChecks {
  /** Those without a verdict, and why the thread ended that checked them. */
  readonly #open = new Map<number, RespawnReason | undefined>();
  #last = 0;

  /**
   * @param channel to the thread there is now; undefined: there is none
   * @param limitMs a publish waits so long for its verdict
   */
  constructor(
    private readonly channel: () => Channel | undefined,
    private readonly limitMs: number,
  ) {}

  /** The thread was replaced. @param number what it was checking; below 0: a publish */
  respawned(reason: RespawnReason, number: number): void {
    if (this.#open.has(number)) this.#open.set(number, reason);
  }

  /** @param contract its name @throws HoldfastError CONTRACT_UNCHECKED when there is no verdict in time */
  async check(contract: string, { topic, payload, properties }: Checked): Promise<Verdict> {
    const id = --this.#last;
    this.#open.set(id, undefined);
    const ends = performance.now() + this.limitMs;
    try {
      for (let left = this.limitMs; left > 0; left = ends - performance.now()) {
        const verdict = await this.#ask(id, { topic, payload, properties }, left);
        const ended = ENDED[this.#open.get(id) ?? 'failed'];
        if (verdict) return verdict;
        if (ended) return failed(contract, ended.reason, ended.message);
        await wait(AGAIN_MS);
      }
    } finally {
      this.#open.delete(id);
    }
    throw new HoldfastError('CONTRACT_UNCHECKED', `contract "${contract}" gave no verdict within ${this.limitMs} ms`);
  }

  /** undefined: the thread has ended, or the time is over */
  async #ask(id: number, publish: Checked, limitMs: number): Promise<Verdict | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), limitMs);
    try {
      const asked = this.channel()?.call<Verdict>('checkPublish' satisfies keyof ContractThreadCalls, [id, publish]);
      return await Promise.race([asked?.catch(() => undefined), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function failed(contract: string, reason: RejectionReason, message: string): Verdict {
  return { valid: false, contract, reason, problems: [{ pointer: '', rule: reason, message }] };
}
