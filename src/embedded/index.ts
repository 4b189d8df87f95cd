/** Holdfast inside a NestJS app. */
export type { HoldfastOptions } from './embedded-gateway.js';
export { Holdfast, type PublishMessage } from './holdfast.js';
export { HoldfastModule, type HoldfastModuleExtras } from './holdfast.module.js';
export { HoldfastTransport } from './holdfast-transport.js';
