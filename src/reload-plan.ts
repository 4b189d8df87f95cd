/** What of a configuration that was read again can be in force at once, and what takes a restart. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { frameOf, type ContractFrame } from './contracts-in-force.js';
import type { ContractSettings } from './domain/contract.js';
import type { Credentials, HttpSettings, Settings, SubscriptionSettings } from './domain/settings.js';
import type { SubscriberSettings } from './domain/subscriber.js';

/** What a reload may change. */
export interface Reloadable {
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
 * @param inForce what there is now @param started what the gateway was started with
 * @param credentials what lets the link in now: they change by themselves, see `CredentialsWatch`
 */
export function planReload(
  { frame: inForce, subscribers: given, http: served }: Reloadable,
  started: Settings,
  next: Settings,
  credentials: Credentials,
): ReloadPlan {
  const subscriptions = followed(started.subscriptions, inForce.subscriptions, next.subscriptions);
  const wanted = frameOf(next);
  const frame = { ...wanted, subscriptions, contracts: withUsed(subscriptions, inForce.contracts, wanted.contracts) };
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
 * The broker goes on sending what it was asked for: the subscriptions stay, with the contracts and parameters that the
 * file gives them now, in its order. Those that it no longer has come last, as they were.
 */
function followed(
  started: readonly SubscriptionSettings[],
  inForce: readonly SubscriptionSettings[],
  next: readonly SubscriptionSettings[],
): SubscriptionSettings[] {
  const found = next.flatMap((one) => {
    const there = started.find(({ filter }) => filter === one.filter);
    return there ? [{ ...one, name: there.name, qos: there.qos }] : [];
  });
  return [...found, ...inForce.filter(({ filter }) => !next.some((one) => one.filter === filter))];
}

/** A subscription that stays keeps its contract, also when the file no longer has it. */
function withUsed(
  subscriptions: readonly SubscriptionSettings[],
  inForce: readonly ContractSettings[],
  wanted: readonly ContractSettings[],
): ContractSettings[] {
  const contracts = [...wanted];
  const keep = (name: string | undefined): void => {
    if (name === undefined || contracts.some((one) => one.name === name)) return;
    const used = inForce.find((one) => one.name === name);
    if (!used) return;
    contracts.push(used);
    for (const member of used.oneOf?.contracts ?? []) keep(member);
  };
  for (const { contract } of subscriptions) keep(contract);
  return contracts;
}

function changesOf(before: ContractFrame, after: ContractFrame): string[] {
  const contracts = differing(before.contracts, after.contracts, ({ name }) => name);
  const routes = (frame: ContractFrame): Pick<SubscriptionSettings, 'name' | 'contract' | 'parameters'>[] =>
    frame.subscriptions.map(({ name, contract, parameters }) => ({ name, contract, parameters }));
  const subscriptions = differing(routes(before), routes(after), ({ name }) => name);
  const order = (frame: ContractFrame): string[] => frame.subscriptions.map(({ name }) => name);
  return [
    ...contracts.map((name) => `contracts.${name}`),
    ...subscriptions.map((name) => `subscriptions.${name}`),
    ...(isDeepStrictEqual(order(before), order(after)) ? [] : ['the order of subscriptions']),
    ...(isDeepStrictEqual(before.publishContracts, after.publishContracts) ? [] : ['publish.contracts']),
  ];
}

function restartsOf(started: Settings, next: Settings, credentials: Credentials): string[] {
  const asked = ({ subscriptions }: Settings): Pick<SubscriptionSettings, 'name' | 'filter' | 'qos'>[] =>
    subscriptions.map(({ name, filter, qos }) => ({ name, filter, qos }));
  const subscriptions = differing(asked(started), asked(next), ({ name }) => name);
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
    ...subscriptions.map((name) => `subscriptions.${name}`),
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
