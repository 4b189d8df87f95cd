import type { ContractThreadHealth } from '../domain/contract.js';

/** What the probes look at. All of it is known to the link thread without asking anyone. */
export interface HealthFacts {
  /** Journal open, REST listening. */
  started: boolean;
  stopping: boolean;
  linkUp: boolean;
  /** undefined until the journal has said so. */
  journalState: 'open' | 'full' | undefined;
  /** Why it is full; empty or absent: nobody said. */
  journalReason?: string;
  /** How the thread is that checks; undefined until it has begun. */
  contracts?: ContractThreadHealth;
  /** Records that have no verdict yet; undefined until the journal has said so. */
  unadmitted?: number;
  journalDelayMs: number;
  mainDelayMs: number;
}

export interface HealthLimits {
  stallLimitMs: number;
  readyNeedsLink: boolean;
}

/** A main thread this late answers no REST call in time. */
const MAIN_RESPONSIVE_MS = 5_000;

export type Probe = 'startupz' | 'livez' | 'readyz';

export interface ProbeAnswer {
  ok: boolean;
  /** Every part that was looked at; `required` ones decide. */
  parts: { name: string; ok: boolean; required: boolean; detail: string }[];
}

/**
 * startupz: journal open, REST listening. livez: link and journal are not stuck (that the link is not, its
 * answering shows). readyz: can accept work. A broker outage is not unready unless `readyNeedsLink` says so:
 * queueing is what the gateway is for, and a sidecar that is not ready takes its app out of service.
 */
export function probe(which: Probe, facts: HealthFacts, limits: HealthLimits): ProbeAnswer {
  const part = (name: string, ok: boolean, required: boolean, detail: string) => ({ name, ok, required, detail });
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s late`;
  const { held = false, waitMs = 0 } = facts.contracts ?? {};
  const journalMoves = facts.journalDelayMs < limits.stallLimitMs;
  const started = part('started', facts.started, true, facts.started ? 'yes' : 'not yet');
  const journal = part('journal thread', journalMoves, true, seconds(facts.journalDelayMs));
  // Not ready would keep REST from an operator who wants to mend the contract; a restart is what ends a thread.
  const checks = part('contracts', !held && waitMs === 0, which === 'livez' && held, contractsText(facts));
  const parts =
    which === 'startupz'
      ? [started]
      : which === 'livez'
        ? [part('link thread', true, true, 'answers'), journal, checks]
        : [
            started,
            part('not stopping', !facts.stopping, true, facts.stopping ? 'stopping' : 'yes'),
            part('journal has room', facts.journalState !== 'full', true, journalText(facts)),
            journal,
            part('main thread', facts.mainDelayMs < MAIN_RESPONSIVE_MS, true, seconds(facts.mainDelayMs)),
            checks,
            part('link', facts.linkUp, limits.readyNeedsLink, facts.linkUp ? 'up' : 'down'),
          ];
  return { ok: parts.every(({ ok, required }) => ok || !required), parts };
}

function journalText({ journalState, journalReason = '' }: HealthFacts): string {
  return journalState === 'full' && journalReason !== '' ? `full: ${journalReason}` : (journalState ?? 'unknown');
}

function contractsText({ contracts, unadmitted }: HealthFacts): string {
  const { lost = 0, held = false, waitMs = 0 } = contracts ?? {};
  return [
    held
      ? 'stopped'
      : waitMs > 0
        ? `checking again in ${(waitMs / 1000).toFixed(1)} s, the thread keeps ending`
        : 'checking',
    ...(lost > 0 ? [`threads that do not end: ${lost}`] : []),
    ...(unadmitted === undefined ? [] : [`records without a verdict: ${unadmitted}`]),
  ].join(', ');
}
