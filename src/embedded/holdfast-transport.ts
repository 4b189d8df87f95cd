import { handlerSettings } from '../config/index.js';
import { HandlerTransport } from '../handlers/index.js';
import { EmbeddedGateway, type HoldfastOptions } from './embedded-gateway.js';

/**
 * A gateway inside a Nest app: `app.connectMicroservice({ strategy: new HoldfastTransport({ config }) })`, or, with
 * {@link HoldfastModule}, `{ strategy: app.get(HoldfastTransport) }`. Every `@EventPattern(filter)` and
 * `@MessagePattern(filter)` handler becomes a subscriber: validated input, retries, ordering, dead letters. Starting
 * rejects with what `holdfast start` would say.
 */
export class HoldfastTransport extends HandlerTransport {
  constructor(from: HoldfastOptions | EmbeddedGateway) {
    const gateway = from instanceof EmbeddedGateway ? from : new EmbeddedGateway(from);
    super({
      settingsOf: handlerSettings,
      launch: (handlers) => gateway.serve(handlers),
      stop: () => gateway.stop(),
    });
  }
}
