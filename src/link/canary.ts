import { randomUUID } from 'node:crypto';
import type { CanaryStatus } from '../domain/link.js';
import type { Clock } from '../domain/clock.js';

export interface CanaryPort {
  /** To the canary's own topic. */
  publish(payload: string): void;
  /** It fell silent, or came back. */
  changed(silent: boolean): void;
}

/**
 * A message to ourselves, now and then: the one way to see a broker that grants a filter and then withholds its
 * messages. A probe that is not back when the next is due is missing.
 */
export class Canary {
  #timer: NodeJS.Timeout | undefined;
  /** The probe that is on its way. */
  #probe = '';
  #sentAt = 0;
  #seconds = 0;
  #silent = false;

  constructor(
    private readonly port: CanaryPort,
    private readonly everyMs: number,
    private readonly clock: Clock,
  ) {}

  /** The link is up, and what was subscribed before is in force. */
  start(): void {
    this.#probe = '';
    this.#send();
    this.#timer = setInterval(() => this.#send(), this.everyMs);
  }

  /** The link is down, which is no fault of the canary. */
  stop(): void {
    clearInterval(this.#timer);
    this.#probe = '';
  }

  heard(payload: string): void {
    if (payload !== this.#probe) return; // from a run or a connection before
    this.#probe = '';
    this.#seconds = (this.clock.monotonic() - this.#sentAt) / 1_000;
    this.#become(false);
  }

  status(): CanaryStatus {
    const away = this.#silent && this.#probe !== '' ? (this.clock.monotonic() - this.#sentAt) / 1_000 : 0;
    return { silent: this.#silent, seconds: Math.max(this.#seconds, away) };
  }

  #send(): void {
    if (this.#probe !== '') {
      this.#become(true); // and it is still waited for: its age is what the metric shows
      this.port.publish(this.#probe);
      return;
    }
    this.#probe = randomUUID();
    this.#sentAt = this.clock.monotonic();
    this.port.publish(this.#probe);
  }

  #become(silent: boolean): void {
    if (silent === this.#silent) return;
    this.#silent = silent;
    this.port.changed(silent);
  }
}
