/** Numbers, times and codes as people say them. */
import { ReasonCodes } from 'mqtt';

/** Codes from here on refuse [MQTT 5.0, 2.4]. */
export const DENIED = 0x80;
/** Fewer are told as they are. */
const SHORT_BYTES = 10_000;

/** `350 ms`, `2.5 s`, `12 s`. */
export function seconds(ms: number): string {
  if (ms < 1) return 'less than 1 ms';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${Math.round(ms / 100) / 10} s`;
}

/** `40 s`, `5 min`, `3 h`, `12 days`: roughly how long. */
export function span(ms: number): string {
  const inSeconds = Math.max(0, ms / 1_000);
  if (inSeconds < 90) return `${Math.round(inSeconds)} s`;
  if (inSeconds < 90 * 60) return `${Math.round(inSeconds / 60)} min`;
  if (inSeconds < 48 * 3_600) return `${Math.round(inSeconds / 3_600)} h`;
  return `${Math.round(inSeconds / 86_400)} days`;
}

/** `2000 B`, `64 KiB`, `1.9 MiB (2000000 B)`: a rounded limit that looks like a whole one would mislead. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = count;
  let unit = 0;
  for (; value >= 1_024 && unit < units.length - 1; unit++) value /= 1_024;
  const rounded = Math.round(value * 10) / 10;
  if (rounded === value) return `${rounded} ${units[unit]}`;
  return count < SHORT_BYTES ? `${count} B` : `${rounded} ${units[unit]} (${count} B)`;
}

/** `2027-03-01`. */
export function day(instantMs: number): string {
  return Number.isFinite(instantMs) ? new Date(instantMs).toISOString().slice(0, 10) : 'an unknown day';
}

/** What became of a SUBSCRIBE of the gateway's: a code, or a broker that hung up on it. */
export function refusal(code: number | null): string {
  return code === null ? 'the broker hung up on it instead of answering, so that it is set aside' : reason(code);
}

/** A reason code as the specifications name it: `Not authorized (0x87)`. */
export function reason(code: number): string {
  const name = (ReasonCodes as { [code: number]: string })[code];
  const hex = `0x${code.toString(16).padStart(2, '0')}`;
  return name === undefined || name === '' ? `reason code ${hex}` : `${name} (${hex})`;
}
