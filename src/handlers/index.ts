/** In-process NestJS handlers as subscribers. */
export { HoldfastContext } from './handler-sender.js';
export { HandlerTransport, type HandlerExtras, type HandlerSubscriber, type Launch } from './handler-transport.js';
