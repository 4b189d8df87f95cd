/** Delivery: gives every admitted record to every subscriber that wants it, and knows how far each has come. */
export { Delivery } from './delivery.js';
export type { DeliveryOptions, DeliveryTarget, Standstill } from './delivery.js';
export type { DeliveryObserver, FailedAttempt, SubscriberState, SubscriberStatus } from './observer.js';
export {
  DecodingSender,
  HttpSender,
  type Guard,
  type HttpSenderOptions,
  SharedConnections,
  type JsonOf,
  type Lookup,
} from './sending/index.js';
