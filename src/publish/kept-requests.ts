import { HoldfastError, type ErrorCode } from '../domain/errors.js';
import type { JournalReader } from '../domain/journal.js';
import type { KeptAnswer, Publish, PublishKey } from '../domain/publish.js';
import type { BatchAnswer, Outbox } from './publisher.js';

/** A request that must not be done twice. */
export interface AskedOnce extends PublishKey {
  /** Of all that makes the request what it is: another one may not have its key. */
  digest: string;
}

/**
 * What `Idempotency-Key` promises: a second request with the same key is answered like the first, also after a
 * restart. The key is on disk together with the publishes it led to; what was refused before that is not remembered.
 */
export class KeptRequests {
  /** Keys of requests without an answer yet, and their digests. */
  readonly #running = new Map<string, string>();

  /** @param answerOf where a publish stands now */
  constructor(
    private readonly reader: Pick<JournalReader, 'keptRequest'>,
    private readonly outbox: Pick<Outbox, 'keepAnswer'>,
    private readonly answerOf: (id: string) => BatchAnswer | undefined,
  ) {}

  /**
   * @param run does the request; it keeps the key itself, with what it accepts
   * @throws HoldfastError KEY_IN_USE, KEY_REUSED, and what `run` throws
   */
  async once(asked: AskedOnce | undefined, run: () => Promise<BatchAnswer[]>): Promise<BatchAnswer[]> {
    if (!asked) return run();
    const name = JSON.stringify([asked.caller, asked.key]);
    const running = this.#running.get(name);
    if (running !== undefined) {
      if (running !== asked.digest) throw reused();
      throw new HoldfastError('KEY_IN_USE', 'the first request with this Idempotency-Key is still running');
    }
    this.#running.set(name, asked.digest);
    try {
      return (await this.#again(asked)) ?? (await this.#first(asked, run));
    } finally {
      this.#running.delete(name);
    }
  }

  async #first(asked: AskedOnce, run: () => Promise<BatchAnswer[]>): Promise<BatchAnswer[]> {
    const answers = await run();
    const kept = this.reader.keptRequest(asked);
    if (kept) await this.#keep(asked, kept.answers, answers);
    return answers;
  }

  /** As the first one was answered; undefined: there was none, or all of it is forgotten. */
  async #again(asked: AskedOnce): Promise<BatchAnswer[] | undefined> {
    const kept = this.reader.keptRequest(asked);
    if (!kept) return undefined;
    const answers = kept.answers.map((answer) => this.#fixed(answer));
    const known = answers.filter((answer) => answer !== undefined);
    if (known.length < answers.length) return undefined;
    if (kept.digest !== asked.digest) throw reused();
    await this.#keep(asked, kept.answers, known);
    return known;
  }

  #fixed(kept: KeptAnswer): BatchAnswer | undefined {
    if ('problem' in kept) {
      const { code, message, details } = kept.problem as unknown as Pick<HoldfastError, 'message' | 'details'> & {
        code: ErrorCode;
      };
      return new HoldfastError(code, message, { details });
    }
    return kept.status === undefined ? this.answerOf(kept.id) : { id: kept.id, status: kept.status };
  }

  /** `queued` was said and will not be so for long; everything else the results say for as long as the key is there. */
  async #keep(asked: AskedOnce, kept: readonly KeptAnswer[], answers: readonly BatchAnswer[]): Promise<void> {
    const open = (answer: BatchAnswer, i: number): boolean =>
      'status' in answer && answer.status === 'queued' && !(kept[i] && 'status' in kept[i]);
    if (!answers.some(open)) return;
    const { caller, key } = asked;
    const fixed = answers.map((answer) => keptAnswer(answer));
    // Without room for it the answer is as true as with it; a later one may say `published`.
    await this.outbox.keepAnswer({ caller, key }, fixed).catch(() => undefined);
  }
}

/** @param status what it is answered in any case */
export function keptAnswer(of: Publish | BatchAnswer, status?: 'queued'): KeptAnswer {
  if (of instanceof HoldfastError) {
    const { code, message, details } = of;
    return { problem: { code, message, details } };
  }
  const fixed = status ?? ('status' in of ? of.status : undefined);
  return fixed === undefined ? { id: of.id } : { id: of.id, status: fixed };
}

function reused(): HoldfastError {
  return new HoldfastError('KEY_REUSED', 'another request had this Idempotency-Key');
}
