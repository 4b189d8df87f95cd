import type { LinkStatus } from '../domain/link.js';
import type { Settings } from '../domain/settings.js';
import type { Row } from './row.js';
import type { RowsOptions } from './rows.js';

/** What somebody who reads rows is told to use, in the words of where the doctor is run. */
export interface Means {
  /** That something is published to, and listened for. */
  probe: string;
  /** What to do to see who takes the client id, after "stop the gateway". */
  takeover: string;
}

export const SHELL: Means = { probe: '--probe-topic', takeover: 'run doctor --takeover' };
/** Over REST, and on the console. */
export const REST: Means = { probe: 'a probe topic', takeover: 'take the id over with the doctor of a shell' };

export function meansOf({ gateway }: Pick<Examination, 'gateway'>): Means {
  return gateway ? REST : SHELL;
}

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
