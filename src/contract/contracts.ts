import { HoldfastError } from '../domain/errors.js';
import type { ContractSettings, OneOfSettings, Verdict } from '../domain/contract.js';
import type { Problem, Record, RejectionReason } from '../domain/record.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { loadClass } from './rules/class.js';
import { FileMemory } from './file-memory.js';
import { loadDecoder, type Decoder } from './formats/decoder.js';
import { explained } from './explain.js';
import { ContractFlaw, PROBLEMS_MAX, thrownText, thrownWords } from './problem.js';
import { Redaction } from './redaction.js';
import { Routes, type RouteSettings } from './routes.js';
import { byDiscriminator, exactlyOne } from './rules/one-of.js';
import { judgeBy, type Failure, type Judge, type Rules } from './rules/rules.js';
import { loadSchema } from './rules/schema.js';

export type ContractMode = ContractSettings['mode'];

/** What may be known of a contract from outside. */
export interface ContractFacts {
  name: string;
  mode: ContractMode;
  /** It runs users' functions, which may leave work behind that runs after the check. */
  runsCode: boolean;
  /** Milliseconds one check may take; absent: as long as usual. */
  budgetMs?: number;
}

interface Contract extends ContractFacts {
  decode: Decoder;
  /** Absent: whatever can be decoded is valid. */
  judge?: Judge | undefined;
  redaction: Redaction;
}

/** What a check needs of a record or a publish. */
export type Checked = Pick<Record, 'topic' | 'payload' | 'properties'>;

/** Why a contract cannot be used. A fault of the decoder has the part `protobuf`. */
export interface ContractProblem {
  contract: string;
  part?: 'protobuf';
  message: string;
}

/** Lists them all; the list is also in `details.problems`. */
export function unusableContracts(problems: readonly ContractProblem[]): HoldfastError {
  const lines = problems.map(({ contract, message }) => `contract "${contract}": ${message}`);
  return new HoldfastError('CONFIG_INVALID', lines.join('\n'), { details: { problems } });
}

const VALID: Verdict = { valid: true };

/** The contracts in force, compiled, and which topic has which. Runs users' code in the calling thread. */
export class Contracts {
  readonly #contracts: ReadonlyMap<string, Contract>;
  readonly #messages: Routes<Contract>;
  readonly #publishes: Routes<Contract>;

  private constructor(
    contracts: ReadonlyMap<string, Contract>,
    subscriptions: readonly RouteSettings[],
    publishes: readonly RouteSettings[],
  ) {
    this.#contracts = contracts;
    this.#messages = new Routes(subscriptions, contracts);
    this.#publishes = new Routes(publishes, contracts);
  }

  /**
   * Reads schemas and imports classes, which may hang. @param memory what of it is known is not read again; the rest is
   * kept there @param loading told the name of each contract before it is loaded, and what is wrong with those before it
   * @throws HoldfastError CONFIG_INVALID as {@link unusableContracts}
   */
  static async compile(
    subscriptions: readonly SubscriptionSettings[],
    contracts: readonly ContractSettings[],
    publishes: readonly RouteSettings[] = [],
    memory = new FileMemory(),
    loading: (contract: string, problems: readonly ContractProblem[]) => void = () => undefined,
  ): Promise<Contracts> {
    const problems: ContractProblem[] = [];
    const compiled = new Map<string, Contract>();
    for (const settings of contracts) {
      if (compiled.has(settings.name)) problems.push({ contract: settings.name, message: 'is there twice' });
      let part: 'protobuf' | undefined = 'protobuf';
      loading(settings.name, problems);
      try {
        const files = memory.of(settings.name);
        const decode = await loadDecoder(settings, files);
        part = undefined;
        const rules = await loadRules(settings, files);
        const { name, mode } = settings;
        const budgetMs = settings.limits?.budgetMs;
        const judge = rules && judgeBy(rules);
        // What a member must not show, the contract that joins it must not show either.
        const members = contracts.filter((one) => settings.oneOf?.contracts.includes(one.name));
        const redaction = new Redaction([settings, ...members].flatMap(({ redact = [] }) => redact));
        compiled.set(name, { name, mode, runsCode: rules?.reason === 'class', budgetMs, decode, judge, redaction });
      } catch (error) {
        problems.push({
          contract: settings.name,
          part,
          message: error instanceof ContractFlaw ? error.message : thrownText(error),
        });
      }
    }
    const known = new Set(contracts.map((contract) => contract.name));
    for (const { name, oneOf } of contracts) {
      for (const contract of oneOf?.contracts.filter((member) => !known.has(member)) ?? []) {
        problems.push({ contract, message: `is joined by contract "${name}" and not defined` });
      }
    }
    for (const { name, contract } of subscriptions) {
      if (contract === undefined || known.has(contract)) continue;
      problems.push({ contract, message: `is named by subscription "${name}" and not defined` });
    }
    for (const { filter, contract } of publishes) {
      if (contract === undefined || known.has(contract)) continue;
      problems.push({ contract, message: `is named by publish.contracts for "${filter}" and not defined` });
    }
    if (problems.length > 0) throw unusableContracts(problems);
    for (const { name, oneOf } of contracts) if (oneOf) join(compiled.get(name)!, oneOf, compiled);
    return new Contracts(compiled, subscriptions, publishes);
  }

  /** Every contract, so that counters can exist from the start. */
  list(): ContractFacts[] {
    return Array.from(this.#contracts.values(), ({ name, mode, runsCode }) => ({ name, mode, runsCode }));
  }

  /** Whether any subscription names a contract; without one every payload is valid. */
  get inForce(): boolean {
    return this.#messages.inForce;
  }

  /** The contract of the first subscription in file order whose filter matches; undefined: any payload is valid. */
  contractFor(topic: string): ContractFacts | undefined {
    return this.#messages.find(topic)?.contract;
  }

  /** As {@link contractFor}, for what is to be published. */
  publishContractFor(topic: string): ContractFacts | undefined {
    return this.#publishes.find(topic)?.contract;
  }

  /**
   * Decodes and checks one payload. Never throws; whether it returns is up to the contract's code, which
   * is why this belongs under ContractThread. The contract's mode is not looked at.
   */
  check(record: Checked): Verdict {
    return checkBy(this.#messages, record);
  }

  /** As {@link check}, for what is to be published. */
  checkPublish(publish: Checked): Verdict {
    return checkBy(this.#publishes, publish);
  }

  /** `text`, which is about a payload that this contract checks, without the secrets of that payload. */
  withoutSecrets(name: string, { payload, properties }: Checked, text: string): string {
    const contract = this.#contracts.get(name);
    const decoded = contract?.decode(payload, properties);
    if (!contract || !decoded?.ok) return text;
    return contract.redaction.secretsIn(decoded.value).masked(text) ?? 'the contract failed';
  }
}

function checkBy(routes: Routes<Contract>, { topic, payload, properties }: Checked): Verdict {
  const placed = routes.find(topic);
  if (!placed) return VALID;
  const { contract } = placed;
  if (placed.parameters) {
    placed.problems ??= placed.parameters(topic);
    if (placed.problems.length > 0) return invalid(contract, 'parameter', placed.problems);
  }
  const decoded = contract.decode(payload, properties);
  if (!decoded.ok) return invalid(contract, decoded.reason, [decoded.problem]);
  const failure = contract.judge && judged(contract.judge, decoded.value);
  if (!failure) return VALID;
  return invalid(contract, failure.reason, explained(failure.faults, decoded.value, contract.redaction));
}

/** Runs users' code, which may throw anything. */
function judged(judge: Judge, value: unknown): Failure | undefined {
  try {
    return judge(value);
  } catch (error) {
    return { reason: 'threw', faults: [{ pointer: '', rule: 'threw', message: thrownWords(error) }] };
  }
}

/** Makes a contract judge by its members, which are compiled. */
function join(contract: Contract, { contracts, discriminator }: OneOfSettings, all: Map<string, Contract>): void {
  const members = contracts.map((name) => all.get(name)!);
  contract.runsCode = members.some(({ runsCode }) => runsCode);
  contract.judge = discriminator
    ? byDiscriminator(
        discriminator.pointer,
        new Map([...discriminator.mapping].map(([value, name]) => [value, all.get(name)!])),
      )
    : exactlyOne(members);
}

function invalid({ name }: Contract, reason: RejectionReason, problems: Problem[]): Verdict {
  return { valid: false, contract: name, reason, problems: problems.slice(0, PROBLEMS_MAX) };
}

async function loadRules(
  { schemaFile, class: ref, oneOf }: ContractSettings,
  memory: FileMemory,
): Promise<Rules | undefined> {
  if (schemaFile !== undefined && ref !== undefined) throw new Error('has both a schema and a class; give one');
  if (oneOf && (schemaFile ?? ref) !== undefined) throw new Error('has both oneOf and a schema or class; give one');
  if (schemaFile !== undefined) return await loadSchema(schemaFile, {}, memory);
  if (ref !== undefined) return await loadClass(ref.file, ref.export, memory);
  return undefined;
}
