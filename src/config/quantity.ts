/** Durations and sizes as people write them. Pure functions. */

const DURATION_UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS_BYTES = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;

export const DURATION_PATTERN = '^([0-9]{1,12}(ms|s|m|h|d)|0)$';
export const SIZE_PATTERN = '^[0-9]{1,12}(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$';

/** `500ms 30s 5m 24h 7d` in milliseconds; a bare `0` needs no unit. Undefined when the text is no duration. */
export function durationMs(text: string): number | undefined {
  if (text === '0') return 0;
  return amount(text, DURATION_UNITS_MS);
}

/** `512B 64KiB 1GiB 10MB` in bytes (KiB = 1024, KB = 1000). Undefined when the text is no size. */
export function sizeBytes(text: string): number | undefined {
  return amount(text, SIZE_UNITS_BYTES);
}

function amount(text: string, units: { readonly [unit: string]: number }): number | undefined {
  const found = /^([0-9]{1,12})([A-Za-z]{1,3})$/.exec(text);
  if (!found || !Object.hasOwn(units, found[2]!)) return undefined;
  const value = Number(found[1]) * units[found[2]!]!;
  return Number.isSafeInteger(value) ? value : undefined;
}
