import type { LinkStatus } from '../domain/link.js';
import type { Settings } from '../domain/settings.js';
import type { Row } from './row.js';
import type { RowsOptions } from './rows.js';

export interface Examination extends RowsOptions {
  settings: Settings;
  /** May connect with the gateway's own client id. */
  takeover: boolean;
  /** The only topics that anything is published to; empty: none. */
  probeTopics: string[];
  /** The link as the gateway knows it that runs the doctor itself. Absent: it is asked over REST. */
  gateway?: () => Promise<LinkStatus | undefined>;
}

export interface Report {
  /** Whether no row failed and every row was reached. */
  ok: boolean;
  /** Its addresses, separated by commas. */
  broker: string;
  rows: Row[];
  /** Client ids of sessions that could not be ended. */
  leftBehind: string[];
  interrupted: boolean;
}
