/** Ties the outbox to the contracts of what is published. */
import type { Logger } from 'pino';
import type { ContractSettings, Verdict } from './domain/contract.js';
import type { Publish } from './domain/publish.js';
import type { PublishContractSettings } from './domain/settings.js';
import type { ContractMetrics, Repeats } from './ops/index.js';
import { CheckedOutbox, type ContractDesk, type Outbox } from './publish/index.js';

export interface PublishGateParts {
  outbox: Outbox;
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

/** What publishes go into: the outbox, behind the contracts of their topics. */
export class PublishGate implements Outbox {
  readonly #desk: ContractDesk;
  #checked: CheckedOutbox;

  constructor(
    private readonly parts: PublishGateParts,
    rules: PublishRules,
  ) {
    const { check, metrics, repeats, logger } = parts;
    this.#desk = {
      check,
      failed: (labels, problem) => {
        metrics.publishFailed(labels);
        const { contract, reason, mode } = labels;
        if (mode !== 'shadow') return; // of what is refused, whoever asked is told
        repeats.tell(`publish ${reason} ${contract}`, (count) =>
          logger.warn({ contract, reason, count, problem }, 'publishes fail a contract in shadow mode, and go out'),
        );
      },
    };
    this.#checked = new CheckedOutbox(parts.outbox, rules, this.#desk);
  }

  /** Publishes from now on obey these. */
  obey(rules: PublishRules): void {
    this.#checked = new CheckedOutbox(this.parts.outbox, rules, this.#desk);
  }

  /** As {@link CheckedOutbox.accept}. */
  accept(publish: Publish): Promise<number> {
    return this.#checked.accept(publish);
  }
}
