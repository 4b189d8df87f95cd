import { createHash } from 'node:crypto';
import type { ContractSettings } from '../domain/contract.js';
import type { DecodedPayload, Ways } from '../domain/payload-json.js';
import type { Record } from '../domain/record.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { TopicCache } from '../domain/topic-cache.js';
import { topicMatches } from '../domain/topic.js';
import { FileMemory } from './file-memory.js';
import { loadDecoder, type Decoder } from './formats/decoder.js';

/** A payload as JSON text in UTF-8, or why it is none. */
export type JsonPayload = { json: Uint8Array } | { problem: string };

type Read = Pick<Record, 'topic' | 'payload' | 'properties'>;

interface ContractDecoder {
  decode: Decoder;
  /** As `DecodedPayload.way`; undefined: payloads are JSON as they come. */
  way: string | undefined;
  /** What it cannot decode is rejected. */
  enforced: boolean;
}

/**
 * The decoders of the contracts, without their rules: none of it is users' code, and the time it takes is bounded by the
 * payload's size, so that it may run on any thread.
 */
export class Decoders {
  readonly #topics: TopicCache<ContractDecoder | undefined>;

  private constructor(
    subscriptions: readonly SubscriptionSettings[],
    decoders: ReadonlyMap<string, ContractDecoder>,
    private readonly usual: Decoder,
    /** How {@link decodedOf} reads the topics. */
    readonly ways: Ways,
  ) {
    this.#topics = new TopicCache((topic) => {
      const name = subscriptions.find(({ filter }) => topicMatches(filter, topic))?.contract;
      return name === undefined ? undefined : decoders.get(name);
    });
  }

  /** @throws Error that says what is wrong with a contract's settings or files */
  static async load(
    subscriptions: readonly SubscriptionSettings[],
    contracts: readonly ContractSettings[],
    memory = new FileMemory(),
  ): Promise<Decoders> {
    const decoders = new Map<string, ContractDecoder>();
    for (const contract of contracts) {
      const own = new FileMemory({ answers: memory.of(contract.name).read.answers, looked: new Set() });
      const decode = await loadDecoder(contract, own);
      decoders.set(contract.name, { decode, way: wayOf(contract, own), enforced: contract.mode === 'enforce' });
    }
    return new Decoders(
      subscriptions,
      decoders,
      await loadDecoder({ format: 'auto' }),
      waysOf(subscriptions, decoders),
    );
  }

  /**
   * What the contract's format makes of a payload, as JSON; a topic without a contract goes by the content type. JSON
   * is what came, byte for byte, without its compression. Never throws.
   */
  jsonOf({ topic, payload, properties }: Read): JsonPayload {
    const decode = this.#topics.get(topic)?.decode ?? this.usual;
    const decoded = decode(payload, properties);
    if (!decoded.ok) return { problem: `${decoded.reason}: ${decoded.problem.message}` };
    return { json: decoded.json ?? Buffer.from(JSON.stringify(decoded.value)) };
  }

  /** What the contract's format makes of a payload, unless that is JSON as it came. Never throws. */
  decodedOf({ topic, payload, properties }: Read): DecodedPayload | undefined {
    const found = this.#topics.get(topic);
    if (found?.way === undefined) return undefined;
    const decoded = found.decode(payload, properties);
    return { value: decoded.ok ? decoded.value : undefined, way: found.way };
  }

  /** Whether the contract would reject an admitted record unread: it was admitted under another. */
  isForeign({ topic, payload, properties }: Read): boolean {
    const found = this.#topics.get(topic);
    return found !== undefined && found.enforced && !found.decode(payload, properties).ok;
  }
}

/** Without any that is not JSON as it came, filters make no difference. */
function waysOf(
  subscriptions: readonly SubscriptionSettings[],
  decoders: ReadonlyMap<string, Pick<ContractDecoder, 'way'>>,
): Ways {
  const routes = subscriptions.map(({ filter, contract = '' }) => [filter, decoders.get(contract)?.way ?? '']);
  if (routes.every(([, way]) => way === '')) return { name: 'json' };
  return { name: createHash('sha256').update(JSON.stringify(routes)).digest('base64url').slice(0, 16) };
}

/** What two decoders have in common that make the same of all payloads. */
function wayOf(
  { format, compression = 'none', protobuf, limits }: ContractSettings,
  files: FileMemory,
): string | undefined {
  if (format === 'json' && compression === 'none') return undefined;
  const way = createHash('sha256').update(JSON.stringify([format, compression, protobuf?.message, limits]));
  const { answers, looked } = files.read;
  for (const path of looked) {
    const content = answers.get(`text ${path}`) ?? answers.get(`bytes ${path}`);
    if (typeof content === 'string' || content instanceof Uint8Array) way.update(content);
  }
  return way.digest('base64url').slice(0, 16);
}
