import { HoldfastError } from '../domain/errors.js';
import type { AcceptRefusal, Journal } from '../domain/journal.js';
import type { Acceptance, KeptAnswer, PublishKey } from '../domain/publish.js';
import type { Outbox } from './publisher.js';

/** A key makes room when its 24 hours are over, not in a moment. */
const KEYS_RETRY_AFTER_SECONDS = 600;

interface Asked {
  acceptance: Acceptance;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Whatever is published in one turn of the event loop goes to the journal in one call: its thread is paid once. */
export class GatheredOutbox implements Outbox {
  #asked: Asked[] = [];

  constructor(private readonly journal: Pick<Journal, 'accept' | 'keepAnswer'>) {}

  /** Resolves once it is on disk. @throws HoldfastError JOURNAL_FULL, OUTBOX_FULL, KEYS_FULL: nothing was kept */
  accept(acceptance: Acceptance): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#asked.length === 0) setImmediate(() => void this.#ask());
      this.#asked.push({ acceptance, resolve, reject });
    });
  }

  keepAnswer(key: PublishKey, answers: KeptAnswer[]): Promise<void> {
    return this.journal.keepAnswer(key, answers);
  }

  async #ask(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    try {
      const refusals = await this.journal.accept(asked.map(({ acceptance }) => acceptance));
      for (const [i, { resolve, reject }] of asked.entries()) {
        const refusal = refusals[i];
        if (refusal) reject(errorOf(refusal));
        else resolve();
      }
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

function errorOf({ code, message }: AcceptRefusal): Error {
  if (code === 'INTERNAL') return new Error(message);
  const details = code === 'KEYS_FULL' ? { retryAfterSeconds: KEYS_RETRY_AFTER_SECONDS } : {};
  return new HoldfastError(code, message, { details });
}
