import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { HoldfastError } from '../../domain/errors.js';

const PREFIX = 'whsec_';

/**
 * Signs as Standard Webhooks 1.0 asks: HMAC-SHA256 over `id.timestamp.` and the raw bytes of the body, one
 * `v1,` signature per secret, so that a secret can be rotated while both are accepted.
 */
export class Signer {
  /** Keys are made once: a key object costs a fifth of what a raw key costs in each signature. */
  readonly #keys: KeyObject[];

  /**
   * @param secrets `whsec_` and base64
   * @throws HoldfastError CONFIG_INVALID when one is written otherwise; the message never holds the secret
   */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => createSecretKey(bytesOf(secret)));
  }

  /** Value of `webhook-signature`; undefined when there is no secret. `timestamp` in seconds. */
  sign(id: string, timestamp: number, body: Uint8Array): string | undefined {
    let signatures: string | undefined;
    for (const key of this.#keys) {
      const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
      signatures = signatures === undefined ? `v1,${digest}` : `${signatures} v1,${digest}`;
    }
    return signatures;
  }
}

function bytesOf(secret: string): Buffer {
  const text = secret.slice(PREFIX.length);
  const wellFormed = secret.startsWith(PREFIX) && /^[A-Za-z0-9+/]{2,}={0,2}$/.test(text);
  if (!wellFormed) throw new HoldfastError('CONFIG_INVALID', 'a signing secret is written whsec_ and base64');
  return Buffer.from(text, 'base64');
}
