/**
 * Pings and their answers, counted in turns of this thread rather than in wall time: a thread that was
 * stalled gets one late turn, reads what the broker sent meanwhile, and does not hang up on a broker
 * that did nothing wrong.
 */
const TURNS_PER_KEEPALIVE = 6;
/** A ping every half keepalive, so that one delayed ping is still in time [MQTT-3.1.2-24]. */
const PING_EVERY_TURNS = 3;
/** Unanswered for two thirds of a keepalive: together less than 1.5 × keepalive after the last word. */
const SILENT_TURNS_MAX = 4;

export interface KeepalivePort {
  ping(): void;
  /** Nothing was heard in time. */
  silent(): void;
  /** The reader is held: an answer may wait unread, so silence proves nothing. */
  held(): boolean;
}

export class Keepalive {
  #timer: NodeJS.Timeout | undefined;
  #sincePing = 0;
  /** Turns since the first ping that nothing was heard after; -1 when none is out. */
  #silent = -1;
  pings = 0;
  /** Wall clock: the broker's last word, or when this began. */
  heardAt: number;

  constructor(
    private readonly port: KeepalivePort,
    readonly keepaliveMs: number,
    private readonly now: () => number,
  ) {
    this.heardAt = now();
  }

  start(): void {
    this.#timer = setInterval(() => this.turn(), this.keepaliveMs / TURNS_PER_KEEPALIVE);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  heard(): void {
    this.#silent = -1;
    this.heardAt = this.now();
  }

  turn(): void {
    if (this.port.held()) this.#silent = -1;
    else if (this.#silent >= 0 && ++this.#silent >= SILENT_TURNS_MAX) {
      this.stop();
      this.port.silent();
      return;
    }
    if (++this.#sincePing < PING_EVERY_TURNS) return;
    this.#sincePing = 0;
    this.pings++;
    if (this.#silent < 0) this.#silent = 0;
    this.port.ping();
  }
}
