import type { Cause } from '../domain/cause.js';
import type { LinkStatus } from '../domain/link.js';
import type { BrokerSettings } from '../domain/settings.js';
import type { CloseEvidence } from './connection.js';
import { isSilentRefusal } from './evidence.js';

/** Which address and protocol version the next connect uses: stays with what works, moves on when it fails. */
export class Dial {
  #index = 0;
  #version: 4 | 5;
  /** The broker has taken this version: only a word of its own is a reason to leave it. */
  #proven = false;
  #silentRefusals = 0;

  constructor(private readonly broker: Pick<BrokerSettings, 'urls' | 'protocol'>) {
    this.#version = broker.protocol === '3.1.1' ? 4 : 5;
  }

  get url(): string {
    return this.broker.urls[this.#index]!;
  }

  /** The address, as anybody may see it. */
  get address(): string {
    const url = new URL(this.url);
    url.username = url.password = '';
    return url.href;
  }

  get protocolVersion(): 4 | 5 {
    return this.#version;
  }

  get protocol(): LinkStatus['protocol'] {
    return this.#version === 5 ? '5' : '3.1.1';
  }

  /** Connects that were closed without a word, while nothing shows that the broker takes this version. */
  get silentRefusals(): number {
    return this.#proven ? 0 : this.#silentRefusals;
  }

  accepted(): void {
    this.#proven = true;
    this.#silentRefusals = 0;
  }

  /** The connect failed. An older protocol where the broker does not speak the newer one, else the next address. */
  refused(cause: Cause, evidence: CloseEvidence): void {
    if (isSilentRefusal(evidence)) this.#silentRefusals++;
    if (this.broker.protocol === 'auto' && this.#version === 5 && cause === 'protocol-version') {
      this.#version = 4;
      return;
    }
    if (this.broker.protocol === 'auto' && !this.#proven) this.#version = 5;
    this.moveOn();
  }

  /** To the next address. */
  moveOn(): void {
    this.#index = (this.#index + 1) % this.broker.urls.length;
  }
}
