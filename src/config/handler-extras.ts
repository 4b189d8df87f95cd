/** What a NestJS handler says of its subscriber: the same keys as in the file, checked by the same classes. */
import { HoldfastError } from '../domain/errors.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { LONE_DEPTH_MAX, LONE_PLACE, loneSubscriber } from './lone-subscriber.js';
import { pathText, Report, type Path } from './problem.js';

/** Where a webhook has its address; no handler has one. */
const ADDRESS = 'http://handler.invalid';
const ANONYMOUS = 'handler';
const FOR_WEBHOOKS = 'is for webhooks';
const UNFIT: { readonly [key: string]: string } = {
  topics: 'is what the pattern says',
  reply: 'is what @MessagePattern says',
  ...Object.fromEntries(
    [
      ...['url', 'format', 'answers', 'batch', 'connectTimeout', 'headersTimeout'],
      ...['signing', 'headers', 'auth', 'tls'],
    ].map((key) => [key, FOR_WEBHOOKS]),
  ),
};

/**
 * @param pattern the topic filter
 * @param extras keys of a subscriber of the file: `id` (default `handler:<pattern>`), `ordering`, `timeout: '5s'`, …
 * @param reply whether the handler's answer is published
 * @throws HoldfastError CONFIG_INVALID that names the pattern and every problem
 */
export function handlerSettings(pattern: string, extras: object, reply: boolean): SubscriberSettings {
  const report = new Report();
  const fit = Object.entries(extras).filter(([key, value]) => {
    if (value === undefined) return false;
    const unfit = UNFIT[key];
    if (unfit !== undefined) report.problem([...LONE_PLACE, key], unfit, 'Remove it.');
    return unfit === undefined;
  });
  const own = literally(fit, LONE_PLACE, report);
  const written = { id: ANONYMOUS, ...own, url: ADDRESS, topics: [literal(pattern)] };
  const settings = loneSubscriber(written, report);
  if (!settings) throw invalid(pattern, report);
  delete settings.url;
  return { ...settings, id: 'id' in own ? settings.id : `handler:${pattern}`, reply };
}

/** A copy whose texts mean themselves: references are for the file. */
function literally(entries: [string, unknown][], path: Path, report: Report): { [key: string]: unknown } {
  const copy = (value: unknown, at: Path): unknown => {
    if (at.length > LONE_DEPTH_MAX) return void report.problem(at, 'is nested too deeply', 'Write it more simply.');
    if (typeof value === 'string') return literal(value);
    if (Array.isArray(value)) return value.map((item, index) => copy(item, [...at, index]));
    if (typeof value !== 'object' || value === null) return value;
    return literally(Object.entries(value), at, report);
  };
  return Object.fromEntries(entries.map(([key, value]) => [key, copy(value, [...path, key])]));
}

function literal(text: string): string {
  return text.replaceAll('${', () => '$${');
}

function invalid(pattern: string, { problems }: Report): HoldfastError {
  const place = pathText(LONE_PLACE);
  const words = problems.map(({ path, message, mend }) => {
    const key = path === `${place}.topics[0]` ? '' : `${path.slice(place.length + 1)} `;
    return `${key}${message}. ${mend}`;
  });
  return new HoldfastError('CONFIG_INVALID', `handler pattern "${pattern}": ${words.join('; ')}`);
}
