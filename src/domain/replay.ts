/** What is given again: a dead letter, a mended rejection, a range of the journal. */

/** A range of the journal that one subscriber is given again. Survives restarts. */
export interface Replay {
  /** Its place among all replays: a subscriber has them one after the other. */
  number: number;
  subscriber: string;
  /** Filters besides the subscriber's own; absent: none. */
  topics?: string[];
  /** Positions, both included. */
  from: number;
  through: number;
  /** Every record up to here was given again, or waits in a row of its own. */
  position: number;
}

export interface ReplayRequest {
  subscriber: string;
  topics?: string[];
  /** Positions, both included. Bounded by what the subscriber was given before, as the journal has it. */
  from: number;
  through: number;
}

/** Positions that retention has dropped: only what waits or failed is still there. */
export interface Gap {
  from: number;
  through: number;
}

/** A dead letter that is to wait again, due at once. */
export interface RevivedLetter {
  /** Of the dead letter. */
  number: number;
  subscriber: string;
  position: number;
  /** The ordering key, '' when order is not kept. */
  key: string;
}

/** Replays of one subscriber that may be under way or wait for their turn. */
export const REPLAYS_PER_SUBSCRIBER_MAX = 16;
