import type { ContractSettings, FailureCount, Verdict } from '../domain/contract.js';
import { HoldfastError } from '../domain/errors.js';
import type { Publish } from '../domain/publish.js';
import type { PublishContractSettings } from '../domain/settings.js';
import { TopicTrie } from '../domain/topic-trie.js';

/** The contracts of what is published. */
export interface PublishContracts {
  /**
   * Nothing is written before the verdict. @returns undefined: the topic has no contract
   * @throws HoldfastError CONTRACT_FAILED, CONTRACT_UNCHECKED
   */
  check(publish: Publish): Promise<void> | undefined;
}

export interface ContractDesk {
  /**
   * What a contract says of a publish, whatever its mode. @param contract its name, as `publish.contracts` has it
   * @throws HoldfastError CONTRACT_UNCHECKED when there is no verdict in time
   */
  check(contract: string, publish: Publish): Promise<Verdict>;
  /** A publish failed its contract. In mode `shadow` it goes out all the same. Must be quick and must not throw. */
  failed(failure: Omit<FailureCount, 'count'>, problem: string): void;
}

/**
 * Which contract a publish must meet, and whether it does. A topic without one costs nothing. Without a verdict in time
 * what is enforced is refused, and what is in shadow mode is let through.
 */
export class ContractsByTopic implements PublishContracts {
  /** Places in the file's order. */
  readonly #topics = new TopicTrie<number>();
  readonly #contracts: { name: string; mode: ContractSettings['mode'] }[];

  constructor(
    rules: { publish: readonly PublishContractSettings[]; contracts: readonly ContractSettings[] },
    private readonly desk: ContractDesk,
  ) {
    const modes = new Map(rules.contracts.map(({ name, mode }) => [name, mode]));
    this.#contracts = rules.publish.map(({ contract }) => ({ name: contract, mode: modes.get(contract) ?? 'enforce' }));
    for (const [place, { filter }] of rules.publish.entries()) this.#topics.add(filter, place);
  }

  check(publish: Publish): Promise<void> | undefined {
    if (this.#contracts.length === 0) return undefined;
    const places = this.#topics.match(publish.topic);
    return places.length > 0 ? this.#check(this.#contracts[Math.min(...places)]!, publish) : undefined;
  }

  async #check({ name, mode }: { name: string; mode: ContractSettings['mode'] }, publish: Publish): Promise<void> {
    const verdict = await this.#verdict(name, mode, publish);
    if (verdict.valid) return;
    const { contract, reason, problems } = verdict;
    const [{ pointer, message } = { pointer: '', message: reason }] = problems;
    const said = `${pointer} ${message}`.trim();
    this.desk.failed({ contract, mode, reason }, said);
    if (mode === 'shadow') return;
    throw new HoldfastError('CONTRACT_FAILED', `the payload fails contract "${contract}": ${said}`, {
      details: { contract, reason, problems },
    });
  }

  async #verdict(name: string, mode: ContractSettings['mode'], publish: Publish): Promise<Verdict> {
    try {
      return await this.desk.check(name, publish);
    } catch (error) {
      if (mode === 'shadow' && error instanceof HoldfastError && error.code === 'CONTRACT_UNCHECKED') {
        return { valid: true };
      }
      throw error;
    }
  }
}
