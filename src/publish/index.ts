/** Publishes over REST: into the durable outbox, and the broker's answer back. The link carries them out. */
export { GatheredOutbox } from './gathered-outbox.js';
export { Problems, PublishController, type BatchItem } from './publish.controller.js';
export { ContractsByTopic, type ContractDesk, type PublishContracts } from './publish-contracts.js';
export { parsePublish } from './publish.dto.js';
export { Publisher, type Outbox, type PublishAnswer, type PublishObserver, type PublishView } from './publisher.js';
export { keepBody } from './request.js';
export { ReplyingSender } from './replying-sender.js';
export { RequestController } from './request.controller.js';
export { Requester, type Answered } from './requester.js';
export { parseRequest } from './request.dto.js';
