/** What the drops of `GET /v1/link` say of the outage that is, or was last. Pure. */
import type { LinkDrop } from '../domain/link.js';

export interface Outage {
  /** The drop that began it; absent: the link had not been up before. */
  begun?: LinkDrop;
  /** The last connect that was refused or failed meanwhile. */
  refusal?: LinkDrop;
  firstRefusal?: LinkDrop;
  /** How many of them there were. */
  refusals: number;
}

/** @param drops newest first */
export function outageOf(drops: readonly LinkDrop[]): Outage {
  const [newest] = drops;
  const end = drops.findIndex(({ backAt, wasUp }) => wasUp || backAt !== newest?.backAt);
  const begun = drops[end]?.wasUp && drops[end].backAt === newest?.backAt ? drops[end] : undefined;
  const refused = end === -1 ? drops : drops.slice(0, end);
  const [refusal, firstRefusal] = [refused[0], refused.at(-1)];
  return {
    ...(begun ? { begun } : {}),
    ...(refusal ? { refusal } : {}),
    ...(firstRefusal ? { firstRefusal } : {}),
    refusals: refused.reduce((sum, { count = 1 }) => sum + count, 0),
  };
}

/**
 * Drops and refusals because another client has the client id, newest first: those of one series, of which the last is no
 * older than `recentMs` and no two are further apart. @param drops newest first @param now wall clock, milliseconds
 */
export function takeoversOf(drops: readonly LinkDrop[], now: number, recentMs: number): LinkDrop[] {
  const series: LinkDrop[] = [];
  let next = now;
  for (const drop of drops) {
    if (drop.cause !== 'client-id-conflict') continue;
    if (next - Date.parse(drop.at) >= recentMs) break;
    series.push(drop);
    next = Date.parse(drop.firstAt ?? drop.at);
  }
  return series;
}
