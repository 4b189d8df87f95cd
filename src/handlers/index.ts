/** In-process NestJS handlers as subscribers. */
export { EventPattern, MessagePattern, type HandlerExtras } from './decorators.js';
export { HoldfastContext, type MqttPacket } from './handler-context.js';
export { HandlerTransport, type HandlerSubscriber } from './handler-transport.js';
