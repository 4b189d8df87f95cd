/** The door of this room: examines why links to the configured broker drop, from its name to its limits. */
export { examine } from './examine.js';
export type { Examination, Report } from './examination.js';
export type { Row, RowState } from './row.js';
export type { Progress } from './rows.js';
export { headingText, pendingText, rowText, skippedText, summaryText, WIDTH_MAX, type Look } from './table.js';
