/** Holdfast inside a NestJS app. */
export { HoldfastError } from './domain/errors.js';
export type { Record } from './domain/record.js';
export {
  Holdfast,
  HoldfastModule,
  HoldfastTransport,
  type HoldfastModuleExtras,
  type HoldfastOptions,
  type PublishMessage,
} from './embedded/index.js';
export { createGateway, Gateway, type GatewayOptions } from './gateway.js';
export { EventPattern, HoldfastContext, MessagePattern, type HandlerExtras } from './handlers/index.js';
