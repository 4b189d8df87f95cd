import { DeadLettersController } from './dead-letters.controller.js';
import { RecordsController } from './records.controller.js';
import { RejectionsController } from './rejections.controller.js';
import { StreamController } from './stream.controller.js';
import { SubscriberReplaysController } from './subscriber-replays.controller.js';

/** All of them are given the one History. */
export const historyControllers = [
  RecordsController,
  DeadLettersController,
  RejectionsController,
  SubscriberReplaysController,
  StreamController,
];
