import type { AttemptContext, Outcome, Sender } from '../../domain/attempt.js';
import type { Record } from '../../domain/record.js';

/** The payload of a record as JSON text in UTF-8, or why there is none. Must not throw. */
export type JsonOf = (record: Record) => { json: Uint8Array } | { problem: string };

/**
 * Gives records with their payloads as JSON (`payload: json`) to another sender. One that cannot be decoded, because
 * its contract has changed since it was admitted, becomes a dead letter: another try cannot help it.
 */
export class DecodingSender implements Sender {
  constructor(
    private readonly sender: Sender,
    private readonly jsonOf: JsonOf,
  ) {}

  send(record: Record, context: AttemptContext): Promise<Outcome> {
    const decoded = this.#decoded(record);
    return 'kind' in decoded ? Promise.resolve(decoded) : this.sender.send(decoded, context);
  }

  /** With one that cannot be decoded all of them fail, so that the batch is split until that one is alone. */
  sendBatch(records: readonly Record[], context: AttemptContext): Promise<Outcome> {
    const decoded: Record[] = [];
    for (const record of records) {
      const one = this.#decoded(record);
      if ('kind' in one) return Promise.resolve(one);
      decoded.push(one);
    }
    return this.sender.sendBatch!(decoded, context);
  }

  close(): Promise<void> {
    return this.sender.close();
  }

  #decoded(record: Record): Record | Outcome {
    const found = this.jsonOf(record);
    if ('json' in found) return { ...record, payload: found.json };
    return { kind: 'dead', reason: 'payload', status: 0, detail: found.problem };
  }
}
