/** Registration: who the subscribers are, and how they come, change and go while the gateway runs. */
export type { RegistryObserver, TestResult } from './parts.js';
export { Registry, type SubscriberView } from './registry.js';
export { SubscribersController } from './subscribers.controller.js';
