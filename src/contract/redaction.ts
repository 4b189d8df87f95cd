/** What a rejection shows of the payload: enough to see what is wrong, and no secret. */
import { parseJsonPointer, type JsonPointer } from '../domain/json-pointer.js';

/** Characters of a sample. */
export const SAMPLE_LENGTH_MAX = 120;
export const REDACTED = '[redacted]';

/** Names of members whose value is nobody's business. */
const SECRET_NAME =
  /passw(or)?d|passphrase|passcode|pwd|secret|token|authorization|cookie|credential|bearer|(api|access|private|encryption|signing|shared)[-_ ]?key/i;
/** Names, or words in names such as `wifi_psk` and `mqttPass`, that are part of others that mean something else. */
const SECRET_WORD =
  /(^|[-_. ])(psk|pass|auth|jwt)($|[-_. ])|[a-z](Psk|PSK|Pass|Auth|Jwt|JWT)($|[-_. A-Z\d])|^(PSK|PASS|AUTH|JWT)$/;
/** Such a name within a text, with what it has: JSON in a text, a query, a header. */
const SECRET_IN_TEXT = new RegExp(`(${SECRET_NAME.source}|\\b(psk|pass|auth|jwt)\\b)["']?\\s*[:=]|\\bbearer\\s`, 'i');
/** Members and items that are looked at in search of secrets. */
const NODES_MAX = 10_000;
const SECRETS_MAX = 100;
/** Characters of a secret that is searched for. To write and to look for a longer one takes memory that a device could use up. */
const SECRET_LENGTH_MAX = 64 * 2 ** 10;
/** A shorter secret would be found in every other word. */
const SECRET_LENGTH_MIN = 3;

/** Which parts of a payload are secret. */
export class Redaction {
  readonly #pointers: readonly JsonPointer[];

  /** @param pointers JSON pointers into the payload; the step `*` stands for any one. Besides what names say */
  constructor(pointers: readonly string[] = []) {
    this.#pointers = pointers.map(parseJsonPointer);
  }

  /** Whether what `path` leads to is secret, or lies in something that is. */
  covers(path: JsonPointer): boolean {
    return path.some((_, i) => this.#isSecret(path.slice(0, i + 1)));
  }

  /** The value at `path` as JSON of at most {@link SAMPLE_LENGTH_MAX} characters; it is not read any further than that. */
  sample(value: unknown, path: JsonPointer): string {
    let text = '';
    const full = (): boolean => text.length > SAMPLE_LENGTH_MAX;
    const write = (one: unknown, at: string[]): void => {
      if (full()) return;
      if (at.length > path.length && this.#isSecret(at)) text += JSON.stringify(REDACTED);
      else if (typeof one !== 'object' || one === null || one instanceof Uint8Array) text += shown(one);
      else if (Array.isArray(one)) {
        text += '[';
        for (let i = 0; i < one.length && !full(); i++) {
          if (i > 0) text += ',';
          write(one[i], [...at, String(i)]);
        }
        text += ']';
      } else {
        text += '{';
        let first = true;
        for (const key of Object.keys(one)) {
          if (full()) break;
          text += `${first ? '' : ','}${shown(key)}:`;
          write((one as { [key: string]: unknown })[key], [...at, key]);
          first = false;
        }
        text += '}';
      }
    };
    if (this.covers(path)) return JSON.stringify(REDACTED);
    write(value, [...path]);
    return full() ? `${text.slice(0, SAMPLE_LENGTH_MAX - 1).toWellFormed()}…` : text;
  }

  /** What no text about the payload may hold: to be taken out of what users' code says. */
  secretsIn(payload: unknown): Secrets {
    const found = new Set<string>();
    let left = NODES_MAX;
    const look = (one: unknown, at: string[], secret: boolean): void => {
      if (left-- <= 0 || found.size > SECRETS_MAX) return;
      if (typeof one === 'object' && one !== null && !(one instanceof Uint8Array)) {
        for (const [key, inner] of Object.entries(one)) {
          if (left <= 0) return;
          const path = [...at, key];
          look(inner, path, secret || this.#isSecret(path));
        }
      } else if (secret && typeof one === 'string' && one.length > SECRET_LENGTH_MAX) left = 0;
      else if (secret) for (const text of writings(one)) if (text.length >= SECRET_LENGTH_MIN) found.add(text);
    };
    look(payload, [], false);
    return new Secrets(left <= 0 || found.size > SECRETS_MAX ? undefined : [...found]);
  }

  #isSecret(path: readonly string[]): boolean {
    const name = path.at(-1)!.slice(0, 256);
    if (SECRET_NAME.test(name) || SECRET_WORD.test(name)) return true;
    return this.#pointers.some(
      (pointer) => pointer.length === path.length && pointer.every((step, i) => step === '*' || step === path[i]),
    );
  }
}

/** The secrets of one payload. */
export class Secrets {
  /** @param texts undefined: too many to know */
  constructor(private readonly texts: readonly string[] | undefined) {
    // Longest first: what is left of a secret that holds another one must not remain.
    this.texts = texts?.toSorted((a, b) => b.length - a.length);
  }

  /** `text` without them; undefined when it cannot be told. @param own the value it is about, when that is secret */
  masked(text: string, own?: unknown): string | undefined {
    if (!this.texts) return undefined;
    let masked = text;
    for (const secret of [...this.texts, ...(own === undefined ? [] : writings(own))]) {
      if (secret !== '') masked = masked.replaceAll(secret, REDACTED);
    }
    return masked;
  }
}

/** How a value may be written in a text. */
function writings(value: unknown): string[] {
  if (typeof value === 'string') return [value, JSON.stringify(value).slice(1, -1)];
  return typeof value === 'number' || typeof value === 'bigint' ? [String(value)] : [];
}

/** A value without members, as JSON where there is JSON for it. */
function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `"<${value.length} bytes>"`;
  if (typeof value === 'string') {
    const seen = value.slice(0, SAMPLE_LENGTH_MAX + 1);
    return JSON.stringify(SECRET_IN_TEXT.test(seen) ? REDACTED : seen);
  }
  return String(value);
}
