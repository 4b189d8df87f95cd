export { DecodingSender, type JsonOf } from './decoding-sender.js';
export type { Guard, Lookup } from './guard.js';
export { HttpSender, type HttpSenderOptions } from './http-sender.js';
export { SharedConnections } from './connections.js';
export { structuredEvent } from './structured.js';
