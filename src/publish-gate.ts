/** Ties the outbox to the contracts of what is published. */
import type { Logger } from 'pino';
import { systemClock } from './domain/clock.js';
import type { Verdict } from './domain/contract.js';
import type { Publish } from './domain/publish.js';
import type { Settings } from './domain/settings.js';
import { Repeats, type ContractMetrics } from './ops/index.js';
import { CheckedOutbox, type Outbox } from './publish/index.js';

export interface PublishGateParts {
  settings: Pick<Settings, 'publish' | 'contracts'>;
  outbox: Outbox;
  /** As `ContractDesk.check`. */
  check: (contract: string, publish: Publish) => Promise<Verdict>;
  metrics: ContractMetrics;
  logger: Logger;
}

/** What publishes go into: the outbox, behind the contracts of their topics. */
export function publishGate({ settings, outbox, check, metrics, logger }: PublishGateParts): Outbox {
  const { publish, contracts } = settings;
  const repeats = new Repeats(systemClock);
  return new CheckedOutbox(
    outbox,
    { publish: publish.contracts ?? [], contracts },
    {
      check,
      failed: (labels, problem) => {
        metrics.publishFailed(labels);
        const { contract, reason, mode } = labels;
        const count = mode === 'shadow' ? repeats.count(`${reason} ${contract}`) : undefined;
        if (count === undefined) return; // of what is refused, whoever asked is told
        logger.warn({ contract, reason, count, problem }, 'publishes fail a contract in shadow mode, and go out');
      },
    },
  );
}
