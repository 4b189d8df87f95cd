/** What of a configuration that was read again can be in force at once, and what takes a restart. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { FilesRead } from './contract/index.js';
import { frameOf, type ContractFrame, type Former } from './contracts-in-force.js';
import type { ContractSettings } from './domain/contract.js';
import type { Credentials, HttpSettings, Settings, SubscriptionSettings } from './domain/settings.js';
import type { SubscriberSettings } from './domain/subscriber.js';

/** More that were taken out since the start are not kept: each is looked at for topics that none in force has. */
export const FORMER_MAX = 1_000;

/** What a reload may change. */
export interface Reloadable {
  /** Of the configuration; with `former`, which stays until a restart. */
  frame: ContractFrame;
  /** Those of the file. */
  subscribers: readonly SubscriberSettings[];
  http: HttpSettings;
}

export interface ReloadPlan extends Reloadable {
  /** Keys whose change is in `frame`. */
  changed: string[];
  /** Keys of the subscribers that are new, gone or changed. */
  subscribersChanged: string[];
  /** Keys whose change is in `http`. */
  httpChanged: string[];
  /** Keys that differ from what the gateway runs with, and stay different. */
  needsRestart: string[];
}

/**
 * @param inForce what there is now @param files what the contracts in force were made of
 * @param started what the gateway was started with
 * @param credentials what lets the link in now: they change by themselves, see `CredentialsWatch`
 */
export function planReload(
  { frame: inForce, subscribers: given, http: served }: Reloadable,
  files: FilesRead,
  started: Settings,
  next: Settings,
  credentials: Credentials,
): ReloadPlan {
  const wanted = frameOf(next);
  const frame = { ...wanted, former: formerOf(inForce, files, wanted) };
  const http = followedHttp(served, next.http);
  const httpChanged = (['auth', 'tls'] as const).filter((key) => !isDeepStrictEqual(served[key], http[key]));
  const { subscribers } = next;
  return {
    ...{ frame, subscribers, http },
    changed: changesOf(inForce, frame),
    subscribersChanged: differing(given, subscribers, ({ id }) => id).map((id) => `subscribers.${id}`),
    httpChanged: httpChanged.map((key) => `http.${key}`),
    needsRestart: restartsOf(started, next, credentials),
  };
}

/** Which tokens and certificates there are may change while REST listens; whether any are asked for may not. */
function followedHttp(served: HttpSettings, next: HttpSettings): HttpSettings {
  const hasTokens = typeof served.auth === 'object' && typeof next.auth === 'object';
  const sameTls = served.tls && next.tls && !served.tls.clientCa === !next.tls.clientCa;
  return { ...served, ...(hasTokens ? { auth: next.auth } : {}), ...(sameTls ? { tls: next.tls } : {}) };
}

/**
 * What a subscription that is taken out has brought, or the broker still sends, is judged by the contract it had, as it
 * is now or, if the file has none of that name any more, as it was, also when its files are gone.
 */
function formerOf(inForce: ContractFrame, files: FilesRead, next: ContractFrame): Former {
  const { former } = inForce;
  const filters = new Set(next.subscriptions.map(({ filter }) => filter));
  const out = ({ filter }: SubscriptionSettings): boolean => !filters.has(filter);
  const subscriptions = [...inForce.subscriptions.filter(out), ...former.subscriptions.filter(out)];
  const contracts: ContractSettings[] = [];
  const filesOf = new Map<string, FilesRead>();
  const known = new Set(next.contracts.map(({ name }) => name));
  const keep = (name: string | undefined): void => {
    if (name === undefined || known.has(name)) return;
    known.add(name);
    const used = [...inForce.contracts, ...former.contracts].find((one) => one.name === name)!;
    contracts.push(used);
    filesOf.set(name, former.files.get(name) ?? files);
    for (const member of used.oneOf?.contracts ?? []) keep(member);
  };
  for (const { contract } of subscriptions) keep(contract);
  return { subscriptions, contracts, files: filesOf };
}

function changesOf(before: ContractFrame, after: ContractFrame): string[] {
  const contracts = differing(before.contracts, after.contracts, ({ name }) => name);
  const subscriptions = differing(before.subscriptions, after.subscriptions, ({ name }) => name);
  const order = (frame: ContractFrame, other: ContractFrame): string[] => {
    const there = new Set(other.subscriptions.map(({ name }) => name));
    return frame.subscriptions.map(({ name }) => name).filter((name) => there.has(name));
  };
  return [
    ...contracts.map((name) => `contracts.${name}`),
    ...subscriptions.map((name) => `subscriptions.${name}`),
    ...(isDeepStrictEqual(order(before, after), order(after, before)) ? [] : ['the order of subscriptions']),
    ...(isDeepStrictEqual(before.publishContracts, after.publishContracts) ? [] : ['publish.contracts']),
  ];
}

function restartsOf(started: Settings, next: Settings, credentials: Credentials): string[] {
  const broker = isDeepStrictEqual({ ...started.broker, ...credentials }, next.broker) ? [] : ['broker'];
  const sections = (['session', 'registration', 'journal', 'ops', 'log', 'tracing'] as const).filter(
    (section) => !isDeepStrictEqual(started[section], next[section]),
  );
  const { outbox, ...journal } = started.journal;
  const { outbox: nextOutbox, ...nextJournal } = next.journal;
  const publish = (
    [
      ['allow', 'allow'],
      ['maxPayloadBytes', 'maxPayload'],
      ['topicLevelsMax', 'maxTopicLevels'],
      ['waitMs', 'wait'],
      ['checkWaitMs', 'checkWait'],
      ['batchMax', 'maxBatch'],
      ['inFlight', 'inFlight'],
      ['request', 'request'],
    ] as const
  ).filter(([key]) => !isDeepStrictEqual(started.publish[key], next.publish[key]));
  const http = isDeepStrictEqual(followedHttp(started.http, next.http), next.http) ? [] : ['http'];
  return [
    ...broker,
    ...sections,
    ...(isDeepStrictEqual(journal, nextJournal) ? [] : ['journal']),
    ...http,
    ...(isDeepStrictEqual(outbox, nextOutbox) ? [] : ['publish.outbox']),
    ...publish.map(([, key]) => `publish.${key}`),
  ];
}

/** Names of what is new, gone or changed. */
function differing<T>(before: readonly T[], after: readonly T[], nameOf: (one: T) => string): string[] {
  const old = new Map(before.map((one) => [nameOf(one), one]));
  const now = new Map(after.map((one) => [nameOf(one), one]));
  return [...new Set([...old.keys(), ...now.keys()])].filter(
    (name) => !isDeepStrictEqual(old.get(name), now.get(name)),
  );
}
