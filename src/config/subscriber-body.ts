/** A subscriber that came over REST: the same keys as in the file, checked by the same classes. */
import { Document } from 'yaml';
import type { ParsedNode } from 'yaml';
import type { HoldfastError } from '../domain/errors.js';
import { invalid, pointerTo, type RequestProblem } from '../domain/request-problem.js';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { checkedConfig } from './check.js';
import { GatewayConfig } from './gateway.config.js';
import { Report, type Path } from './problem.js';
import { Reader } from './reader.js';
import { subscriberSettings } from './resolve.js';
import { checkSubscribers } from './routing-rules.js';
import { object } from './shape.js';

/** A subscriber has four levels. */
const DEPTH_MAX = 8;
const PLACE: Path = ['subscribers', 0];

type Body = { [key: string]: unknown };

/**
 * @param id from the address
 * @throws HoldfastError REQUEST_INVALID with every problem in `errors`; none of them holds a value
 */
export function parseSubscriber(id: string, body: unknown): SubscriberSettings {
  const report = new BodyReport();
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    report.problem(PLACE, 'the body must be a JSON object', 'Send the keys of a subscriber of the file.');
    throw report.error();
  }
  const given = (body as Body)['id'];
  if (given !== undefined && given !== id) {
    report.problem([...PLACE, 'id'], 'is not the id in the address', 'Leave it out.');
  }
  const inert = withoutReferences(body, PLACE, report) as Body;
  const source = new Document({ subscribers: [{ ...inert, id }] }) as unknown as Document.Parsed<ParsedNode>;
  const surroundings = { environment: {}, directory: '/', files: new Set<string>() };
  const reader = new Reader({ document: source, positionAt: () => ({ line: 0, column: 0 }) }, report, surroundings);
  const config = checkedConfig(reader.document(object(GatewayConfig)), report);
  checkSubscribers(config, report);
  if (report.problems.length > 0) throw report.error();
  return subscriberSettings(config.subscribers[0]!);
}

/**
 * A copy in which no text refers to anything: whoever may register must not read the gateway's environment and files
 * that way. Each reference, and each key that names a file, is a problem.
 */
function withoutReferences(value: unknown, path: Path, report: Report): unknown {
  if (path.length > DEPTH_MAX) {
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
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    if (/File$/.test(key)) {
      const message = 'names a file, which only the configuration file may';
      report.problem([...path, key], message, 'Put this subscriber into the configuration file.');
    }
    return [key, withoutReferences(item, [...path, key], report)];
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
    this.#errors.push({ pointer: pointerTo(...path.slice(PLACE.length).map(String)), message: `${message}. ${mend}` });
  }

  error(): HoldfastError {
    return invalid(this.#errors);
  }
}
