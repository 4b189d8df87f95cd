import type { ContractSettings, FailureCount, Verdict } from '../domain/contract.js';
import { HoldfastError } from '../domain/errors.js';
import type { Journal } from '../domain/journal.js';
import type { Publish } from '../domain/publish.js';
import type { PublishContractSettings } from '../domain/settings.js';
import { TopicTrie } from '../domain/topic-trie.js';

/** Publishes wait here until the broker has acknowledged them. */
export type Outbox = Pick<Journal, 'accept'>;

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
 * An outbox that takes only what meets its contract. A topic without one costs nothing; nothing is written before the
 * verdict. Without a verdict in time what is enforced is refused, and what is in shadow mode is let through.
 */
export class CheckedOutbox implements Outbox {
  /** Places in the file's order. */
  readonly #topics = new TopicTrie<number>();
  readonly #contracts: { name: string; mode: ContractSettings['mode'] }[];

  constructor(
    private readonly outbox: Outbox,
    rules: { publish: readonly PublishContractSettings[]; contracts: readonly ContractSettings[] },
    private readonly desk: ContractDesk,
  ) {
    const modes = new Map(rules.contracts.map(({ name, mode }) => [name, mode]));
    this.#contracts = rules.publish.map(({ contract }) => ({ name: contract, mode: modes.get(contract) ?? 'enforce' }));
    for (const [place, { filter }] of rules.publish.entries()) this.#topics.add(filter, place);
  }

  /** @throws HoldfastError CONTRACT_FAILED, CONTRACT_UNCHECKED, and as the journal does */
  async accept(publish: Publish): Promise<number> {
    const places = this.#topics.match(publish.topic);
    if (places.length > 0) await this.#check(this.#contracts[Math.min(...places)]!, publish);
    return this.outbox.accept(publish);
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
