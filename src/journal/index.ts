/** The journal: every message is on disk here before it is acknowledged. See DESIGN.md. */
export { SqliteJournal } from './journal.sqlite.js';
export { SqliteJournalReader } from './reader.sqlite.js';
export { journalFiles } from './files.js';
export { AppendMarks } from './marks.js';
