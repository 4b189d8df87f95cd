/** What one check found. Rows are what people read and machines parse: the names of checks are stable. */

export type RowState = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Verdict {
  state: RowState;
  /** What was seen, in words. */
  seen: string;
  /** What to do about it; empty when there is nothing to do. */
  mend: string;
}

export interface Row extends Verdict {
  /** What was checked, such as `TLS` or `subscription telemetry`. */
  check: string;
  /** Address of the broker it was seen at; absent for what is not of one broker. */
  broker?: string;
}

export const ok = (seen: string, mend = ''): Verdict => ({ state: 'ok', seen, mend });
export const warning = (seen: string, mend: string): Verdict => ({ state: 'warning', seen, mend });
export const failed = (seen: string, mend: string): Verdict => ({ state: 'failed', seen, mend });
export const skipped = (seen: string, mend = ''): Verdict => ({ state: 'skipped', seen, mend });

const BY_GRAVITY: readonly RowState[] = ['failed', 'warning', 'ok', 'skipped'];

/**
 * Several findings of one check as one verdict: the gravest state, and the gravest findings first. Where more than one
 * has a mend they are numbered, so that it shows which mend is whose.
 */
export function together(findings: readonly Verdict[]): Verdict {
  const sorted = BY_GRAVITY.flatMap((state) => findings.filter((one) => one.state === state));
  const mends = [...new Set(sorted.map(({ mend }) => mend).filter((mend) => mend !== ''))];
  const number = (mend: string): string => (mends.length > 1 && mend !== '' ? `(${mends.indexOf(mend) + 1}) ` : '');
  const seen = sorted.filter((one) => one.seen !== '').map((one) => `${number(one.mend)}${one.seen}`);
  const mend = mends.map((one) => `${number(one)}${one}`);
  return { state: sorted[0]?.state ?? 'skipped', seen: seen.join('; '), mend: mend.join(' ') };
}
