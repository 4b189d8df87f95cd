/** Registration: who the subscribers are, and how they come, change and go while the gateway runs. */
export type { RegistryObserver, TestResult } from './parts.js';
export type { SubscriberView } from './entry.js';
export type { Failed, Unfit } from './file-change.js';
export { Registry } from './registry.js';
export { SubscribersController } from './subscribers.controller.js';
