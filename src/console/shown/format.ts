/** Numbers and times as people read them. */

const KIBI = 1024;
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  for (; value >= KIBI && unit < BYTE_UNITS.length - 1; unit++) value /= KIBI;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** With thin groups: 12 345 678. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** Per second. */
export function rate(value: number): string {
  if (value === 0) return '0/s';
  if (value < 0.1) return '<0.1/s';
  return `${value < 10 ? value.toFixed(1) : count(value)}/s`;
}

/** A span of time: 0.1 ms, 3 ms, 4.2 s, 12 min 5 s, 3 h 20 min, 5 d 3 h. */
export function span(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds < 0.001) return `${Math.max(0.1, Number((seconds * 1000).toFixed(1)))} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return two(whole, MINUTE, 'min', 1, 's');
  if (whole < DAY) return two(whole, HOUR, 'h', MINUTE, 'min');
  return two(whole, DAY, 'd', HOUR, 'h');
}

function two(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % large) / small);
  const first = `${Math.floor(seconds / large)} ${largeUnit}`;
  return rest === 0 ? first : `${first} ${rest} ${smallUnit}`;
}

/** How long ago, by the gateway's clock. @param nowMs since the epoch */
export function ago(iso: string, nowMs: number): string {
  const seconds = Math.floor((nowMs - Date.parse(iso)) / 1000);
  return seconds < 1 ? 'just now' : `${span(seconds)} ago`;
}

/** How long it lasts by now. */
export function lasting(iso: string, nowMs: number): string {
  return span(Math.max(0, Math.floor((nowMs - Date.parse(iso)) / 1000)));
}

export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value} %`;
  // What is not all of it is never shown as if it were, nor as nothing.
  return `${Math.min(99.9, Math.max(0.1, value)).toFixed(1)} %`;
}

/** As the logs have it, to be found there: 2026-11-26 07:54:12.123. In UTC. */
export function clock(iso: string): string {
  return iso.replace('T', ' ').replace(/Z$/, '');
}

/** The time of day, with the date where it is another day than now. In UTC. */
export function shortClock(iso: string, nowMs: number): string {
  const sameDay = iso.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10);
  return sameDay ? iso.slice(11, 19) : `${iso.slice(5, 10)} ${iso.slice(11, 19)}`;
}

/** `1 dead letter`, `2 dead letters`. */
export function many(value: number, one: string, more = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : more}`;
}
