/** Publishes over REST: into the durable outbox, and the broker's answer back. The link carries them out. */
export { CheckedOutbox, type ContractDesk, type Outbox } from './checked-outbox.js';
export { PublishController } from './publish.controller.js';
export { parsePublish } from './publish.dto.js';
export { Publisher, type PublishAnswer, type PublishObserver } from './publisher.js';
export { ReplyingSender } from './replying-sender.js';
