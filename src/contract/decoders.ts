import type { ContractSettings } from '../domain/contract.js';
import type { Record } from '../domain/record.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { topicMatches } from '../domain/topic.js';
import { FileMemory } from './file-memory.js';
import { loadDecoder, type Decoder } from './formats/decoder.js';

/** A payload as JSON text in UTF-8, or why it is none. */
export type JsonPayload = { json: Uint8Array } | { problem: string };

type Decoded = Pick<Record, 'topic' | 'payload' | 'properties'>;

/**
 * The decoders of the contracts, without their rules: none of it is users' code, and the time it takes is bounded by the
 * payload's size, so that it may run on any thread.
 */
export class Decoders {
  private constructor(
    private readonly subscriptions: readonly SubscriptionSettings[],
    private readonly decoders: ReadonlyMap<string, Decoder>,
    private readonly usual: Decoder,
  ) {}

  /** @throws Error that says what is wrong with a contract's settings or files */
  static async load(
    subscriptions: readonly SubscriptionSettings[],
    contracts: readonly ContractSettings[],
    memory = new FileMemory(),
  ): Promise<Decoders> {
    const decoders = new Map<string, Decoder>();
    for (const contract of contracts) decoders.set(contract.name, await loadDecoder(contract, memory));
    return new Decoders(subscriptions, decoders, await loadDecoder({ format: 'auto' }));
  }

  /**
   * What the contract's format makes of a payload, as JSON; a topic without a contract goes by the content type. JSON
   * is what came, byte for byte, without its compression. Never throws.
   */
  jsonOf({ topic, payload, properties }: Decoded): JsonPayload {
    const name = this.subscriptions.find(({ filter }) => topicMatches(filter, topic))?.contract;
    const decode = (name === undefined ? undefined : this.decoders.get(name)) ?? this.usual;
    const decoded = decode(payload, properties);
    if (!decoded.ok) return { problem: `${decoded.reason}: ${decoded.problem.message}` };
    return { json: decoded.json ?? Buffer.from(JSON.stringify(decoded.value)) };
  }
}
