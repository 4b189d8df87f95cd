import type { CloseEvidence } from './connection.js';

/** A link that was up and was closed without a word. */
export const SILENT_CLOSE: CloseEvidence = {
  code: 0,
  where: 'close',
  errors: [],
  systemCode: undefined,
  wasUp: true,
  ended: undefined,
};
