import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 8192;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/**
 * A UUIDv7 (RFC 9562, 5.7) as 16 bytes: 48 bits of milliseconds, then random bits. Random bytes come
 * from a pool, because one system call per record would cost more than the insert.
 */
export function uuid7(at: number): Uint8Array {
  if (used + 10 > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = new Uint8Array(16);
  bytes[0] = at / 2 ** 40;
  bytes[1] = at / 2 ** 32;
  bytes[2] = at / 2 ** 24;
  bytes[3] = at / 2 ** 16;
  bytes[4] = at / 2 ** 8;
  bytes[5] = at;
  bytes.set(pool.subarray(used, used + 10), 6);
  used += 10;
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return bytes;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 16 bytes as `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`. */
export function uuidText(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
    text += HEX[bytes[i]!]!;
  }
  return text;
}

/** 32 hexadecimal digits with the hyphens of a UUID. */
export function uuidOfHex(hex: string): string {
  const [a, b, c, d] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${a}-${b}-${c}-${d}-${hex.slice(20)}`;
}

/** The inverse of {@link uuidText}; undefined when the text is not a UUID. */
export function uuidBytes(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return undefined;
  return Uint8Array.from(Buffer.from(text.replaceAll('-', ''), 'hex'));
}
