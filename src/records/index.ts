/** What the journal holds, over REST: records, dead letters and rejections, and how they are given again. */
export { historyControllers } from './controllers.js';
export { History, type HistoryPorts } from './history.js';
export type { CheckAgain, Recipients, Refusal } from './ports.js';
