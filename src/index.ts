/** Holdfast inside a NestJS app. */
import { formatProblems, loadSettings } from './config/index.js';
import { HoldfastError } from './domain/errors.js';
import { createGateway } from './gateway.js';
import { HandlerTransport, type HandlerSubscriber } from './handlers/index.js';
import { createLogger } from './ops/index.js';
import { VERSION } from './version.js';

export { HoldfastError } from './domain/errors.js';
export type { Record } from './domain/record.js';
export { createGateway, Gateway, type GatewayOptions } from './gateway.js';
export { HoldfastContext, type HandlerExtras } from './handlers/index.js';

export interface HoldfastTransportOptions {
  /** Path of the configuration file, as for `holdfast start`. */
  config: string;
}

/**
 * A gateway inside a Nest app: `app.connectMicroservice({ strategy: new HoldfastTransport({ config }) })`. Every
 * `@EventPattern(filter)` handler becomes a subscriber: validated input, retries, ordering, dead letters.
 * Starting rejects with what `holdfast start` would say.
 */
export class HoldfastTransport extends HandlerTransport {
  constructor({ config }: HoldfastTransportOptions) {
    super((handlers) => launch(config, handlers));
  }
}

async function launch(config: string, handlers: HandlerSubscriber[]): Promise<{ stop(): Promise<void> }> {
  const loaded = loadSettings(config, process.env);
  if ('problems' in loaded) {
    throw new HoldfastError('CONFIG_INVALID', `\n${formatProblems(config, loaded.problems, false)}`);
  }
  const { settings, secrets } = loaded;
  const logger = createLogger(settings.log, process.stdout.isTTY);
  const gateway = await createGateway(settings, { version: VERSION, logger, handlers, secrets });
  void gateway.failed.then((error) => {
    // Going on without a journal would be going on without the promise.
    logger.fatal({ err: error }, 'the gateway cannot go on');
    process.exit(1);
  });
  return gateway;
}
