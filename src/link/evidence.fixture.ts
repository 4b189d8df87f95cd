import type { CloseEvidence } from './connection.js';
import type { Evidence } from './evidence.js';

/** A link that was up and was closed without a word. */
export const SILENT_CLOSE: CloseEvidence = {
  code: 0,
  where: 'close',
  errors: [],
  systemCode: undefined,
  wasUp: true,
  ended: undefined,
};

/** All that is known of it, when that is nothing. */
export const NOTHING: Evidence = {
  ...SILENT_CLOSE,
  protocolVersion: 5,
  keepaliveMs: 30_000,
  sessionPresent: true,
  upMs: 60_000,
  threadDelayMs: 0,
  outstanding: [],
  history: [],
};
