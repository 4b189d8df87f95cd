/** What happened to messages or to the link and is over, so that no state shows it. Kept in memory. */
import type { Clock } from '../domain/clock.js';
import type { LinkEvent } from '../domain/link.js';
import type { IncidentFacts, SessionLost } from './facts.js';

/** Messages are gone for good: whoever looks the next morning must see it. */
const SESSION_LOST_MS = 24 * 3_600_000;

export class Incidents {
  #sessionLost: SessionLost | undefined;

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  link(told: LinkEvent): void {
    if (told.kind !== 'session-lost') return;
    const times = (this.#recentLoss?.times ?? 0) + 1;
    const from = told.from === 0 ? {} : { from: new Date(told.from).toISOString() };
    this.#sessionLost = { ...from, to: new Date(told.to).toISOString(), times };
  }

  get facts(): IncidentFacts {
    const lost = this.#recentLoss;
    return lost ? { sessionLost: lost } : {};
  }

  get #recentLoss(): SessionLost | undefined {
    const lost = this.#sessionLost;
    return lost && this.clock.now() - Date.parse(lost.to) < SESSION_LOST_MS ? lost : undefined;
  }
}
