import { parameterised } from '../domain/topic-parameters.js';
import { filtersOverlap, ownProblem, withoutShare } from '../domain/topic.js';
import { checkContract } from './contract-rules.js';
import type { GatewayConfig } from './gateway.config.js';
import { parseStartFrom } from './format.js';
import { checkOneOf } from './one-of-rules.js';
import { checkParameters } from './parameter-rules.js';
import type { Path, Report } from './problem.js';
import type { SubscriberConfig } from './subscriber.config.js';
import type { SubscriptionConfig } from './subscription.config.js';
import { suggestion } from './suggestion.js';
import { checkWhere, warnOfUnknownParameters } from './where-rules.js';

/** A time of a clock that is ahead by less is not taken for one to come. */
const CLOCKS_DIFFER_MS = 60_000;

/** What must fit together on the way from subscription over contract to subscriber. */
export function checkRouting(config: GatewayConfig, report: Report, directory: string): void {
  checkSubscriptions(config, report);
  for (const [name, contract] of config.contracts) checkContract(['contracts', name], contract, report, directory);
  checkOneOf(config.contracts, report);
  checkSubscribers(config, report);
  checkPublishContracts(config, report);
}

function checkSubscriptions({ subscriptions, contracts }: GatewayConfig, report: Report): void {
  const names = new Map<string, number>();
  const earlier: [number, SubscriptionConfig][] = [];
  for (const [index, subscription] of present(subscriptions)) {
    const path: Path = ['subscriptions', index];
    checkContractName([...path, 'contract'], subscription.contract, contracts, report);
    checkParameters(path, subscription, report);
    if (!report.clean([...path, 'filter'])) continue;
    checkOverlap(path, subscription, earlier, report);
    const { name = report.clean([...path, 'filter']) ? subscription.filter : undefined } = subscription;
    if (name !== undefined) checkUnique(names, name, index, 'subscriptions', 'name', report);
    earlier.push([index, subscription]);
  }
}

function checkContractName(
  path: Path,
  name: string | undefined,
  contracts: GatewayConfig['contracts'],
  report: Report,
): void {
  if (name === undefined || !report.clean(path) || contracts.has(name)) return;
  const meant = suggestion(name, contracts.keys());
  const mend = meant === undefined ? 'Add it to contracts, or name one of those.' : `Did you mean "${meant}"?`;
  report.problem(path, 'names no contract', mend);
}

function checkPublishContracts({ publish, contracts }: GatewayConfig, report: Report): void {
  for (const [index, one] of present(publish.contracts)) {
    const path: Path = ['publish', 'contracts', index];
    checkContractName([...path, 'contract'], one.contract, contracts, report);
    checkParameters(path, one, report);
    if (!report.clean([...path, 'filter']) || !report.clean(['publish', 'allow'])) continue;
    const { filter } = parameterised(one.filter);
    if (publish.allow.some((allowed) => filtersOverlap(allowed, filter))) continue;
    report.warning(
      [...path, 'filter'],
      'matches no topic of publish.allow',
      'Mend it, or add the topics to publish.allow.',
    );
  }
}

function checkOverlap(
  path: Path,
  subscription: SubscriptionConfig,
  earlier: [number, SubscriptionConfig][],
  report: Report,
): void {
  for (const [index, other] of earlier) {
    const there = `subscriptions[${index}].filter (line ${report.positionOf(['subscriptions', index, 'filter']).line})`;
    if (parameterised(other.filter).filter === parameterised(subscription.filter).filter) {
      report.problem([...path, 'filter'], `is the same filter as ${there}`, 'Keep one of the two.');
    } else if (subscription.overlap !== 'allow' && other.overlap !== 'allow' && overlap(subscription, other)) {
      const mend = 'Narrow one of the two, or set overlap: allow on one; the first in the file names the contract.';
      report.problem([...path, 'filter'], `overlaps ${there}: brokers may send such messages more than once`, mend);
    }
  }
}

function overlap(one: SubscriptionConfig, other: SubscriptionConfig): boolean {
  return filtersOverlap(parameterised(one.filter).filter, parameterised(other.filter).filter);
}

export function checkSubscribers({ subscribers, subscriptions }: GatewayConfig, report: Report): void {
  const ids = new Map<string, number>();
  const named = [...present(subscriptions)]
    .filter(([index]) => report.clean(['subscriptions', index, 'filter']))
    .map(([, { filter }]) => parameterised(filter));
  const filters = named.map(({ filter }) => filter);
  const names = new Set(named.flatMap(({ parameters }) => parameters.map(({ name }) => name)));
  const complete = filters.length === subscriptions.length && report.clean(['subscriptions']);
  for (const [index, subscriber] of present(subscribers)) {
    if (report.clean(['subscribers', index, 'id'])) {
      checkUnique(ids, subscriber.id, index, 'subscribers', 'id', report);
    }
    checkHeaders(index, subscriber, report);
    warnOfFutureStart(index, subscriber, report);
    checkDelivery(['subscribers', index], subscriber, report);
    if (!complete) continue;
    if (report.clean(['subscribers', index, 'topics'])) warnOfDeafTopics(index, subscriber, filters, report);
    const path: Path = ['subscribers', index, 'where'];
    if (subscriber.where && report.clean(path)) warnOfUnknownParameters(subscriber.where, path, names, report);
  }
}

/** No problem: where the clock is wrong at the boot, a time that has been is one to come, and the gateway must start. */
function warnOfFutureStart(index: number, { startFrom }: SubscriberConfig, report: Report): void {
  const path: Path = ['subscribers', index, 'startFrom'];
  if (!report.clean(path)) return;
  const place = parseStartFrom(startFrom);
  if (typeof place !== 'object' || !('time' in place) || place.time <= Date.now() + CLOCKS_DIFFER_MS) return;
  report.warning(path, 'is in the future: a new subscriber starts now', 'Write now, or a time that has been.');
}

function warnOfDeafTopics(index: number, { topics }: SubscriberConfig, filters: string[], report: Report): void {
  for (const [place, topic] of topics.entries()) {
    if (ownProblem(topic) !== undefined || filters.some((filter) => filtersOverlap(withoutShare(filter), topic)))
      continue;
    const mend = 'Mend the filter, or add a subscription that brings such topics.';
    report.warning(['subscribers', index, 'topics', place], 'matches no topic that any subscription brings', mend);
  }
}

/** Keys that mean something only beside another. */
function checkDelivery(path: Path, { where, ordering, key, format, batch }: SubscriberConfig, report: Report): void {
  if (where) checkWhere(where, [...path, 'where'], report);
  if (ordering === 'key' && key === undefined) {
    report.problem([...path, 'key'], 'is missing, and ordering is key', 'Add it: key: /deviceId');
  } else if (ordering !== 'key' && key !== undefined && report.clean([...path, 'ordering'])) {
    report.problem([...path, 'key'], 'has no effect', 'Set ordering: key, or remove it.');
  }
  if (batch && format !== 'cloudevents-batch' && report.clean([...path, 'format'])) {
    report.problem([...path, 'batch'], 'has no effect', 'Set format: cloudevents-batch, or remove it.');
  }
}

/** Header names are the same in any case. */
function checkHeaders(index: number, { headers }: SubscriberConfig, report: Report): void {
  const seen = new Set<string>();
  for (const name of headers.keys()) {
    const path = ['subscribers', index, 'headers', name];
    if (seen.has(name.toLowerCase())) report.problem(path, 'is here twice, in other letters', 'Keep one of the two.');
    seen.add(name.toLowerCase());
  }
}

function checkUnique(
  seen: Map<string, number>,
  value: string,
  index: number,
  list: string,
  key: string,
  report: Report,
): void {
  const other = seen.get(value);
  if (other === undefined) seen.set(value, index);
  else report.problem([list, index, key], `is the same as in ${list}[${other}]`, 'Give each one its own.');
}

/** Items that could be read, with their place in the file's list. */
function* present<T>(items: readonly (T | undefined)[]): Generator<[number, T]> {
  for (const [index, item] of items.entries()) if (item !== undefined) yield [index, item];
}
