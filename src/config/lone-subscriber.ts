/** A subscriber that does not stand in the file, checked by the classes and rules of the file. */
import { Document } from 'yaml';
import type { ParsedNode } from 'yaml';
import type { SubscriberSettings } from '../domain/subscriber.js';
import { checkedConfig } from './check.js';
import { GatewayConfig } from './gateway.config.js';
import type { Path, Report } from './problem.js';
import { Reader } from './reader.js';
import { subscriberSettings } from './resolve.js';
import { checkSubscribers } from './routing-rules.js';
import { checkSending } from './sending-rules.js';
import { object } from './shape.js';

/** Where it would stand if it were alone in the file: problems have paths below this one. */
export const LONE_PLACE: Path = ['subscribers', 0];
/** A content filter may be nested 8 deep. */
export const LONE_DEPTH_MAX = 20;

/** @param written must refer to no file and no variable @returns undefined when the report has problems */
export function loneSubscriber(written: object, report: Report): SubscriberSettings | undefined {
  const document = new Document({ subscribers: [written] }) as unknown as Document.Parsed<ParsedNode>;
  const surroundings = { environment: {}, directory: '/', files: new Set<string>() };
  const reader = new Reader({ document, positionAt: () => ({ line: 0, column: 0 }) }, report, surroundings);
  const config = checkedConfig(reader.document(object(GatewayConfig)), report);
  checkSubscribers(config, report);
  const [tls] = checkSending(config, report, surroundings);
  return report.problems.length === 0 ? subscriberSettings(config.subscribers[0]!, tls) : undefined;
}
