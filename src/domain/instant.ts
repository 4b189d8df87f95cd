/** RFC 3339, always with an offset: a time without one would mean another instant on another machine. */
const INSTANT = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/** A position from 1, or an instant in milliseconds since the epoch. */
export type Place = { position: number } | { time: number };

/** Milliseconds since the epoch; undefined when the text is no such time. */
export function parseInstant(text: string): number | undefined {
  const time = INSTANT.test(text) && hasDay(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function hasDay(text: string): boolean {
  const day = text.slice(0, 10);
  const time = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

/** Digits are a position. */
export function parsePlace(text: string): Place | undefined {
  if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))) return { position: Number(text) };
  const time = parseInstant(text);
  return time === undefined ? undefined : { time };
}
