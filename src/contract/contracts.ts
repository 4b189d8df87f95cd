import { HoldfastError } from '../domain/errors.js';
import type { Problem, Record, RejectionReason } from '../domain/record.js';
import type { ContractSettings } from '../domain/contract.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { topicMatches } from '../domain/topic.js';
import { loadClass } from './rules/class.js';
import { loadDecoder, type Decoder } from './formats/decoder.js';
import { explained } from './explain.js';
import { ContractFlaw, PROBLEMS_MAX, thrownText, thrownWords } from './problem.js';
import { Redaction } from './redaction.js';
import type { Fault, Rules } from './rules/rules.js';
import { loadSchema } from './rules/schema.js';

export type Verdict =
  { valid: true } | { valid: false; contract: string; reason: RejectionReason; problems: Problem[] };

export type ContractMode = ContractSettings['mode'];

/** What may be known of a contract from outside. */
export interface ContractFacts {
  name: string;
  mode: ContractMode;
  /** It runs users' functions, which may leave work behind that runs after the check. */
  runsCode: boolean;
}

interface Contract extends ContractFacts {
  decode: Decoder;
  /** Absent: whatever can be decoded is valid. */
  rules?: Rules;
  redaction: Redaction;
}

const VALID: Verdict = { valid: true };
const TOPICS_CACHED_MAX = 20_000;
/** Longer topics are looked up each time, so that topics cannot fill the memory. */
const CACHED_TOPIC_LENGTH_MAX = 512;

/** The contracts in force, compiled, and which topic has which. Runs users' code in the calling thread. */
export class Contracts {
  readonly #contracts: Map<string, Contract>;
  readonly #subscriptions: readonly SubscriptionSettings[];
  readonly #topics = new Map<string, Contract | undefined>();

  private constructor(subscriptions: readonly SubscriptionSettings[], contracts: Map<string, Contract>) {
    this.#subscriptions = subscriptions;
    this.#contracts = contracts;
  }

  /**
   * Reads schemas and imports classes.
   * @throws HoldfastError CONFIG_INVALID that lists every contract that cannot be used and why; the
   * list is also in `details.problems` as `{contract, message}[]`
   */
  static async compile(
    subscriptions: readonly SubscriptionSettings[],
    contracts: readonly ContractSettings[],
  ): Promise<Contracts> {
    const problems: { contract: string; message: string }[] = [];
    const compiled = new Map<string, Contract>();
    for (const settings of contracts) {
      if (compiled.has(settings.name)) problems.push({ contract: settings.name, message: 'is there twice' });
      try {
        const decode = await loadDecoder(settings);
        const rules = await loadRules(settings);
        const { name, mode, redact } = settings;
        const redaction = new Redaction(redact);
        compiled.set(name, { name, mode, runsCode: rules?.reason === 'class', decode, rules, redaction });
      } catch (error) {
        problems.push({
          contract: settings.name,
          message: error instanceof ContractFlaw ? error.message : thrownText(error),
        });
      }
    }
    const known = new Set(contracts.map((contract) => contract.name));
    for (const { name, contract } of subscriptions) {
      if (contract === undefined || known.has(contract)) continue;
      problems.push({ contract, message: `is named by subscription "${name}" and not defined` });
    }
    if (problems.length > 0) {
      const lines = problems.map(({ contract, message }) => `contract "${contract}": ${message}`);
      throw new HoldfastError('CONFIG_INVALID', lines.join('\n'), { details: { problems } });
    }
    return new Contracts(subscriptions, compiled);
  }

  /** Every contract, so that counters can exist from the start. */
  list(): ContractFacts[] {
    return Array.from(this.#contracts.values(), ({ name, mode, runsCode }) => ({ name, mode, runsCode }));
  }

  /** Whether any subscription names a contract; without one every payload is valid. */
  get inForce(): boolean {
    return this.#subscriptions.some(({ contract }) => contract !== undefined);
  }

  /** The contract of the first subscription in file order whose filter matches; undefined: any payload is valid. */
  contractFor(topic: string): ContractFacts | undefined {
    return this.#find(topic);
  }

  /**
   * Decodes and checks one payload. Never throws; whether it returns is up to the contract's code, which
   * is why this belongs under ContractThread. The contract's mode is not looked at.
   */
  check(record: Pick<Record, 'topic' | 'payload' | 'properties'>): Verdict {
    const contract = this.#find(record.topic);
    if (!contract) return VALID;
    const decoded = contract.decode(record.payload, record.properties);
    if (!decoded.ok) return invalid(contract, decoded.reason, [decoded.problem]);
    if (!contract.rules) return VALID;
    let reason: RejectionReason = contract.rules.reason;
    let faults: Fault[];
    try {
      faults = contract.rules.check(decoded.value);
      if (faults.length === 0) return VALID;
    } catch (error) {
      reason = 'threw';
      faults = [{ pointer: '', rule: 'threw', message: thrownWords(error) }];
    }
    return invalid(contract, reason, explained(faults, decoded.value, contract.redaction));
  }

  /** What is said of a record, without the secrets of its payload. */
  withoutSecrets(record: Pick<Record, 'topic' | 'payload' | 'properties'>, text: string): string {
    const contract = this.#find(record.topic);
    const decoded = contract?.decode(record.payload, record.properties);
    if (!contract || !decoded?.ok) return text;
    return contract.redaction.secretsIn(decoded.value).masked(text) ?? 'the contract failed';
  }

  #find(topic: string): Contract | undefined {
    const cached = this.#topics.get(topic);
    if (cached || this.#topics.has(topic)) return cached;
    const name = this.#subscriptions.find(({ filter }) => topicMatches(filter, topic))?.contract;
    const contract = name === undefined ? undefined : this.#contracts.get(name);
    if (topic.length <= CACHED_TOPIC_LENGTH_MAX) {
      if (this.#topics.size >= TOPICS_CACHED_MAX) this.#topics.clear();
      this.#topics.set(topic, contract);
    }
    return contract;
  }
}

function invalid({ name }: Contract, reason: RejectionReason, problems: Problem[]): Verdict {
  return { valid: false, contract: name, reason, problems: problems.slice(0, PROBLEMS_MAX) };
}

async function loadRules({ schemaFile, class: ref }: ContractSettings): Promise<Rules | undefined> {
  if (schemaFile !== undefined && ref !== undefined) throw new Error('has both a schema and a class; give one');
  if (schemaFile !== undefined) return await loadSchema(schemaFile);
  if (ref !== undefined) return await loadClass(ref.file, ref.export);
  return undefined;
}
