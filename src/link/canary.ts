import { randomUUID } from 'node:crypto';
import type { Diagnosis } from '../domain/cause.js';
import type { CanaryStatus } from '../domain/link.js';
import type { Clock } from '../domain/clock.js';
import { canarySilence, type CanaryFacts } from './canary-silence.js';

/** A broker that hangs up this often on a probe that is on the way alone refuses it in deed. */
const HANG_UPS_MAX = 2;
/** How long none is sent then: it would cost the link each time. */
const REST_MS = 600_000;

export interface CanaryPort {
  /** To the canary's own topic. @param answered is called with the broker's reason code */
  publish(payload: string, answered: (code: number) => void): void;
  /** Whether nothing else waits for an answer of the broker. */
  alone(): boolean;
  /** What is known besides of the topic and of the subscription to it. */
  facts(): Pick<CanaryFacts, 'topic' | 'protocol' | 'denied'>;
  /** It fell silent, and why; or it came back. @param already it was silent, and the reason is another one */
  changed(silence: Diagnosis | undefined, already: boolean): void;
}

const REFUSED = 0x80;

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
  /** Why it is, as it was told. */
  #reason = '';
  /** The broker has not taken a probe on the connection there is. */
  #untaken = false;
  /** What the broker last said to a probe. */
  #answer: number | undefined;
  /** A connection ended under a probe: the next ones go alone, so that it shows whether they are why. */
  #careful = false;
  #hangUps = 0;
  #restUntil = -Infinity;

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

  /** The link is down. */
  stop(): void {
    clearInterval(this.#timer);
    this.#untaken = false;
    if (!this.#resting) this.#probe = '';
  }

  /** The broker has not taken a probe; some refuse it first and hang up then. */
  get untaken(): boolean {
    return this.#untaken;
  }

  /** The connection ended, before {@link stop}. @param alone whether nothing else was outstanding */
  hungUp(alone: boolean): void {
    if (!this.#untaken) return;
    this.#careful = true;
    if (!alone || ++this.#hangUps < HANG_UPS_MAX) return;
    this.#hangUps = 0;
    this.#restUntil = this.clock.monotonic() + REST_MS;
    this.#become(true);
  }

  heard(payload: string): void {
    if (payload !== this.#probe) return; // from a run or a connection before
    this.#probe = '';
    this.#answer = undefined;
    this.#seconds = (this.clock.monotonic() - this.#sentAt) / 1_000;
    this.#become(false);
  }

  status(): CanaryStatus {
    const away = this.#silent && this.#probe !== '' ? this.#awayMs / 1_000 : 0;
    const seconds = Math.max(this.#seconds, away);
    return this.#silent ? { silent: true, seconds, diagnosis: this.#diagnosis() } : { silent: false, seconds };
  }

  get #awayMs(): number {
    return this.clock.monotonic() - this.#sentAt;
  }

  #diagnosis(): Diagnosis {
    const hangUps = this.#resting ? HANG_UPS_MAX : undefined;
    return canarySilence({ ...this.port.facts(), awayMs: this.#awayMs, answer: this.#answer, hangUps });
  }

  get #resting(): boolean {
    return this.clock.monotonic() < this.#restUntil;
  }

  #send(): void {
    if (this.#resting || (this.#careful && !this.port.alone())) return;
    if (this.#probe !== '') {
      this.#become(true); // and it is still waited for: its age is what the metric shows
    } else {
      this.#probe = randomUUID();
      this.#sentAt = this.clock.monotonic();
    }
    this.#untaken = true;
    this.port.publish(this.#probe, (code) => {
      this.#answer = code;
      if (code >= REFUSED) return this.#become(true);
      this.#untaken = this.#careful = false;
      this.#hangUps = 0;
    });
  }

  #become(silent: boolean): void {
    const silence = silent ? this.#diagnosis() : undefined;
    const reason = silence ? `${silence.confidence}: ${silence.mend}` : '';
    const already = this.#silent && silent;
    // That there is no answer yet explains less than what is known.
    if (reason === this.#reason || (already && silence?.confidence === 'guess')) return;
    this.#silent = silent;
    this.#reason = reason;
    this.port.changed(silence, already);
  }
}
