import type { SubscriberSettings } from '../../domain/subscriber.js';
import { percentDecoded } from '../../domain/percent.js';

/** What is kept of an answer's body, in bytes of it and in characters of the text made of it. */
export const DETAIL_LENGTH_MAX = 2_048;

type SecretSettings = Pick<SubscriberSettings, 'url' | 'headers' | 'signing' | 'auth'>;

const REDACTED = '[redacted]';
/** Redacting shorter values would garble the text and hide nothing. */
const SECRET_CHARACTERS_MIN = 3;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT_ESCAPES = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * Makes what a subscriber answered fit to be kept and shown: bounded, printable, and without the values of the
 * configured headers, the signing secrets, the credentials, and the query of the URL, should the answer echo them.
 */
export class DetailText {
  /** How many bytes of a body to keep for {@link ofBody}: one secret more than is shown, so that none is cut in two. */
  readonly keptBytesMax: number;
  readonly #secrets: RegExp | undefined;
  readonly #longest: number;

  constructor(settings: SecretSettings) {
    const secrets = [...secretsOf(settings)].sort((one, other) => other.length - one.length);
    this.#longest = secrets.reduce((most, secret) => Math.max(most, Buffer.byteLength(secret)), 0);
    this.#secrets = secrets.length === 0 ? undefined : new RegExp(secrets.map(escaped).join('|'), 'g');
    this.keptBytesMax = DETAIL_LENGTH_MAX + this.#longest;
  }

  /** `cut`: the body went on after `kept`. */
  ofBody(kept: Buffer, cut: boolean): string {
    const text = this.#redacted(kept.toString('utf8'));
    // The end of what was kept may be the beginning of a secret.
    return this.#shown(cut ? text.slice(0, Math.max(0, text.length - this.#longest)) : text);
  }

  of(text: string): string {
    return this.#shown(this.#redacted(text));
  }

  #redacted(text: string): string {
    return this.#secrets ? text.replace(this.#secrets, REDACTED) : text;
  }

  #shown(text: string): string {
    const printable = text.slice(0, DETAIL_LENGTH_MAX).replace(UNPRINTABLE, escapeOf);
    return printable.slice(0, DETAIL_LENGTH_MAX).toWellFormed();
  }
}

function escapeOf(character: string): string {
  return SHORT_ESCAPES.get(character) ?? `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

function escaped(secret: string): string {
  return secret.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** The secrets, as they are and as they look inside JSON or a URL. */
function secretsOf({ url, headers, signing, auth }: SecretSettings): Set<string> {
  const plain = [...Object.values(headers).flatMap(headerSecrets), ...signing.secrets];
  if (auth && 'bearer' in auth) plain.push(auth.bearer);
  else if (auth) plain.push(auth.basic.password, base64Of(`${auth.basic.username}:${auth.basic.password}`));
  for (const secret of signing.secrets) plain.push(secret.replace(/^whsec_/, ''));
  if (url !== undefined) plain.push(...urlSecrets(new URL(url)));
  const secrets = new Set<string>();
  for (const secret of plain.filter(({ length }) => length >= SECRET_CHARACTERS_MIN)) {
    secrets.add(secret);
    secrets.add(JSON.stringify(secret).slice(1, -1));
    secrets.add(encodeURIComponent(secret.toWellFormed()));
  }
  return secrets;
}

/** The value, and the token in it: `Bearer token`, or the password of `Basic base64`. */
function headerSecrets(value: string): string[] {
  const [, scheme, token] = /^(\S+) +(.+)$/.exec(value) ?? [];
  if (scheme === undefined || token === undefined) return [value];
  if (scheme.toLowerCase() !== 'basic') return [value, token];
  return [value, token, ...Buffer.from(token, 'base64').toString('utf8').split(':').slice(1)];
}

function base64Of(text: string): string {
  return Buffer.from(text).toString('base64');
}

function urlSecrets({ username, password, search, searchParams }: URL): string[] {
  const secrets = [username, password, search.slice(1), ...searchParams.values()];
  for (const pair of search.slice(1).split('&')) secrets.push(pair.slice(pair.indexOf('=') + 1));
  for (const part of [username, password]) secrets.push(percentDecoded(part));
  return secrets;
}
