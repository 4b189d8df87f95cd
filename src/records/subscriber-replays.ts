import type { Place } from '../domain/instant.js';
import type { Gap, Replay } from '../domain/replay.js';
import type { Keeper, Recipients, Shelf } from './ports.js';

/** Where a replay is: positions, `from` and `through` included. */
export interface ReplayAnswer {
  subscriber: string;
  from: number;
  through: number;
  /** Every record up to here was given again, or waits. */
  position: number;
  topics?: string[];
  /** Of what was asked for, retention has dropped this. */
  gap?: Gap;
}

export interface ReplayOrder {
  from: Place;
  to?: Place;
  topics?: string[];
}

/** Ranges of the journal that a subscriber is given again, while new records go on. */
export class SubscriberReplays {
  constructor(
    private readonly shelf: Shelf,
    private readonly keeper: Keeper,
    private readonly recipients: Recipients,
  ) {}

  /** @throws NOT_FOUND, SUBSCRIBER_ABSENT, REPLAY_EMPTY, REPLAYS_FULL */
  async start(subscriber: string, { from, to, topics }: ReplayOrder): Promise<ReplayAnswer> {
    // Only what it was given before can be given again, and the journal must know how far that is.
    await this.recipients.settled(subscriber);
    const range = { from: this.#first(from), through: this.#last(to) };
    const { replay, gap } = await this.keeper.startReplay({ subscriber, topics, ...range });
    this.recipients.replay(replay);
    return { ...shown(replay), ...(gap ? { gap } : {}) };
  }

  /** @returns how many were under way or waited for their turn @throws NOT_FOUND */
  async cancel(subscriber: string): Promise<number> {
    this.recipients.endReplays(subscriber);
    return this.keeper.cancelReplays(subscriber);
  }

  #first(from: Place): number {
    return 'position' in from ? from.position : this.shelf.positionAt(from.time);
  }

  #last(to: Place | undefined): number {
    if (!to) return this.shelf.lastPosition();
    return 'position' in to ? to.position : this.shelf.positionAt(to.time + 1) - 1;
  }
}

function shown({ subscriber, from, through, position, topics }: Replay): ReplayAnswer {
  return { subscriber, from, through, position, ...(topics ? { topics } : {}) };
}
