/** Ties publishes to their contracts. */
import type { Logger } from 'pino';
import type { ContractSettings, Verdict } from './domain/contract.js';
import type { Publish } from './domain/publish.js';
import type { PublishContractSettings } from './domain/settings.js';
import type { ContractMetrics, Repeats } from './ops/index.js';
import { ContractsByTopic, type ContractDesk, type PublishContracts } from './publish/index.js';

export interface PublishGateParts {
  /** As `ContractDesk.check`. */
  check: (contract: string, publish: Publish) => Promise<Verdict>;
  metrics: ContractMetrics;
  repeats: Repeats;
  logger: Logger;
}

export interface PublishRules {
  publish: readonly PublishContractSettings[];
  contracts: readonly ContractSettings[];
}

/** The contracts that publishes must meet, as long as they are in force. */
export class PublishGate implements PublishContracts {
  readonly #desk: ContractDesk;
  #contracts: ContractsByTopic;

  constructor({ check, metrics, repeats, logger }: PublishGateParts, rules: PublishRules) {
    this.#desk = {
      check,
      failed: (labels, problem) => {
        metrics.publishFailed(labels);
        const { contract, reason, mode } = labels;
        if (mode !== 'shadow') return; // of what is refused, whoever asked is told
        repeats.tell(`publish ${reason} ${contract}`, (repeated) =>
          logger.warn(
            { contract, reason, ...repeated, problem },
            'publishes fail a contract in shadow mode, and go out',
          ),
        );
      },
    };
    this.#contracts = new ContractsByTopic(rules, this.#desk);
  }

  /** Publishes from now on obey these. */
  obey(rules: PublishRules): void {
    this.#contracts = new ContractsByTopic(rules, this.#desk);
  }

  /** As {@link ContractsByTopic.check}. */
  check(publish: Publish): Promise<void> | undefined {
    return this.#contracts.check(publish);
  }
}
