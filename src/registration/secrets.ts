/** Secrets of a registration are written and never read: where one is stored, the mask is shown. */
import { invalid, pointerTo, type RequestProblem } from '../domain/request-problem.js';

export const MASK = '********';
/** Everything under these keys is a secret, or may be. */
const SECRET_KEYS: readonly string[] = ['auth', 'headers', 'signing', 'tls'];
const DEPTH_MAX = 6;

export interface Body {
  [key: string]: unknown;
}

/** As it may be shown: values under secret keys and the query of the URL are masked. */
export function maskedBody(body: Body): Body {
  const entries = Object.entries(body).map(([key, value]): [string, unknown] => {
    if (key === 'url') return [key, maskedUrl(value)];
    return [key, SECRET_KEYS.includes(key) ? mapped(value, [key], () => MASK) : value];
  });
  return Object.fromEntries(entries);
}

/** The URL without its query, which often is a token. */
export function maskedUrl(url: unknown): unknown {
  if (typeof url !== 'string' || !url.includes('?')) return url;
  return `${url.slice(0, url.indexOf('?'))}?${MASK}`;
}

/**
 * The inverse: a mask that was sent back stands for what is stored at its place. It does so only as long as the URL
 * leads to the same origin, or whoever may register could have a secret sent to where he can read it.
 */
export function unmaskedBody(sent: Body, stored: Body | undefined): { body: Body; problems: RequestProblem[] } {
  const problems: RequestProblem[] = [];
  const url = stored && sent['url'] === maskedUrl(stored['url']) ? stored['url'] : sent['url'];
  const kept = stored && originOf(url) === originOf(stored['url']) ? stored : undefined;
  const why = stored && !kept ? 'the url leads elsewhere now' : 'nothing is stored here';
  const known = (value: unknown, path: readonly string[]): unknown => {
    if (value !== MASK) return value;
    const found = path.reduce<unknown>((at, step) => valueOf(at, step, path[0] === 'headers'), kept);
    if (typeof found === 'string') return found;
    problems.push({ pointer: pointerTo(...path), message: `is the mask, and ${why}. Write the value.` });
    return value;
  };
  const entries = Object.entries(sent).map(([key, value]): [string, unknown] => [
    key,
    SECRET_KEYS.includes(key) ? mapped(value, [key], known) : value,
  ]);
  const body = Object.fromEntries(entries);
  if (url !== undefined) body['url'] = url;
  if (typeof url === 'string' && url.endsWith(`?${MASK}`)) {
    problems.push({
      pointer: '/url',
      message: 'has the mask as its query, and nothing is stored here. Write all of it.',
    });
  }
  return { body, problems };
}

/** Throws the problems of masks together with those that `check` throws. */
export function checkedWith<T>(problems: readonly RequestProblem[], check: () => T): T {
  let answer: T;
  try {
    answer = check();
  } catch (error) {
    const more = (error as { details?: { errors?: RequestProblem[] } }).details?.errors;
    if (problems.length === 0 || !more) throw error;
    const places = new Set(problems.map(({ pointer }) => pointer));
    throw invalid([...problems, ...more.filter(({ pointer }) => !places.has(pointer))]);
  }
  if (problems.length > 0) throw invalid(problems);
  return answer;
}

/** Every scalar of a value, whatever holds it. */
function mapped(value: unknown, path: string[], change: (value: unknown, path: string[]) => unknown): unknown {
  if (typeof value !== 'object' || value === null || path.length > DEPTH_MAX) return change(value, path);
  if (Array.isArray(value)) return value.map((item, i) => mapped(item, [...path, String(i)], change));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapped(item, [...path, key], change)]));
}

/** @param anyCase names of headers differ in nothing when they differ in case */
function valueOf(at: unknown, name: string, anyCase: boolean): unknown {
  if (!isObject(at)) return undefined;
  if (Object.hasOwn(at, name)) return at[name];
  if (!anyCase) return undefined;
  const known = Object.keys(at).find((one) => one.toLowerCase() === name.toLowerCase());
  return known === undefined ? undefined : at[known];
}

function originOf(url: unknown): string | undefined {
  return typeof url === 'string' ? URL.parse(url)?.origin : undefined;
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null;
}
