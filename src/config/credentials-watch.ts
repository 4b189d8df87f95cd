import { isDeepStrictEqual } from 'node:util';
import type { Credentials } from '../domain/settings.js';
import { FileWatch } from './file-watch.js';
import type { Secrets } from './load.js';
import type { ConfigProblem } from './problem.js';

export interface CredentialsObserver {
  /** Told when what the files hold has changed; `keys` are those of `broker` that did. */
  changed(credentials: Credentials, keys: string[]): void;
  /** Told when it has changed and cannot be used: the credentials stay as they were. */
  refused(problems: ConfigProblem[]): void;
}

/**
 * Follows the files that let the link in, so that a rotated password or certificate needs no restart. Reading
 * them is done here, once they have changed, and never where a frozen disk could hold up the link.
 */
export class CredentialsWatch {
  readonly #files: FileWatch;
  #current: Credentials;

  /** @param current what is in use */
  constructor(
    private readonly secrets: Secrets,
    current: Credentials,
    private readonly observer: CredentialsObserver,
    everyMs?: number,
  ) {
    const { username, password, tls, wsHeaders } = current;
    this.#current = { username, password, tls, wsHeaders };
    this.#files = new FileWatch(secrets.files, () => this.#reread(), everyMs);
  }

  /** What is used at the next connect. */
  get current(): Credentials {
    return this.#current;
  }

  start(): void {
    this.#files.start();
  }

  /** Looks at once, because the broker has refused what is in use. */
  look(): Promise<void> {
    return this.#files.look();
  }

  stop(): void {
    this.#files.stop();
  }

  #reread(): void {
    const found = this.secrets.reread();
    if ('problems' in found) return this.observer.refused(found.problems);
    const { credentials } = found;
    const keys = (Object.keys(credentials) as (keyof Credentials)[]).filter(
      (key) => !isDeepStrictEqual(credentials[key], this.#current[key]),
    );
    if (keys.length === 0) return;
    this.#current = credentials;
    this.observer.changed(credentials, keys);
  }
}
