/** A subscriber that came over REST: the same keys as in the file, checked by the same classes. */
import type { HoldfastError } from '../domain/errors.js';
import { invalid, pointerTo, type RequestProblem } from '../domain/request-problem.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { LONE_DEPTH_MAX, LONE_PLACE, loneSubscriber } from './lone-subscriber.js';
import { Report, type Path } from './problem.js';

/** More than anybody writes; to tell of each key of a huge body would hold the gateway up for seconds. */
const VALUES_MAX = 10_000;

type Body = { [key: string]: unknown };

/**
 * @param id from the address
 * @throws HoldfastError REQUEST_INVALID with every problem in `errors`; none of them holds a value
 */
export function parseSubscriber(id: string, body: unknown): SubscriberSettings {
  const report = new BodyReport();
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    report.problem(LONE_PLACE, 'the body must be a JSON object', 'Send the keys of a subscriber of the file.');
    throw report.error();
  }
  const given = (body as Body)['id'];
  if (given !== undefined && given !== id) {
    report.problem([...LONE_PLACE, 'id'], 'is not the id in the address', 'Leave it out.');
  }
  if (valuesLeft(body, VALUES_MAX) < 0) {
    report.problem(LONE_PLACE, `has more than ${VALUES_MAX} values`, 'Send the keys of a subscriber of the file.');
    throw report.error();
  }
  const inert = withoutReferences(body, LONE_PLACE, report) as Body;
  const settings = loneSubscriber({ ...inert, id }, report);
  if (!settings) throw report.error();
  return settings;
}

/** How many of so many values a body leaves, as deep as it is looked into; below 0: it has more. */
function valuesLeft(value: unknown, left: number, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > LONE_DEPTH_MAX) return left;
  const members: unknown[] = Object.values(value);
  let rest = left - members.length;
  for (const one of members) if (rest >= 0) rest = valuesLeft(one, rest, depth + 1);
  return rest;
}

/**
 * A copy in which no text refers to anything: whoever may register must not read the gateway's environment and files
 * that way. Each reference, and each key that names a file, is a problem.
 */
function withoutReferences(value: unknown, path: Path, report: Report): unknown {
  if (path.length > LONE_DEPTH_MAX) {
    report.problem(path, 'is nested too deeply', 'Send the keys of a subscriber of the file.');
    return null;
  }
  if (typeof value === 'string') {
    if (value.includes('${')) {
      report.problem(path, 'holds a reference, which only the configuration file may', 'Write the value itself.');
    }
    return value.replaceAll('${', '$${');
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item, index) => withoutReferences(item, [...path, index], report));
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    if (!/File$/.test(key)) return [[key, withoutReferences(item, [...path, key], report)]];
    const message = 'names a file, which only the configuration file may';
    report.problem([...path, key], message, 'Put this subscriber into the configuration file.');
    return [];
  });
  return Object.fromEntries(entries);
}

/** Knows problems by their JSON pointer into the body. */
class BodyReport extends Report {
  readonly #errors: RequestProblem[] = [];

  override problem(path: Path, message: string, mend: string): void {
    const before = this.problems.length;
    super.problem(path, message, mend, { line: 0, column: 0 });
    if (this.problems.length === before) return;
    this.#errors.push({
      pointer: pointerTo(...path.slice(LONE_PLACE.length).map(String)),
      message: `${message}. ${mend}`,
    });
  }

  error(): HoldfastError {
    return invalid(this.#errors);
  }
}
