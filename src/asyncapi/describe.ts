import type { BrokerSettings, SubscriptionSettings } from '../domain/settings.js';
import { topicMatches } from '../domain/topic.js';
import { channelOf, type NamedFilter } from './channels.js';
import { describeContract, type DescribedContract } from './contract-messages.js';
import type { JsonObject } from './json.js';
import { Names } from './names.js';

/** The settings that say what the gateway receives and sends. */
export interface InForce {
  broker: Pick<BrokerSettings, 'urls' | 'protocol'>;
  subscriptions: readonly (Pick<SubscriptionSettings, 'name' | 'qos' | 'contract'> & NamedFilter)[];
  contracts: readonly DescribedContract[];
  publish: { allow: readonly string[]; contracts?: readonly (NamedFilter & { contract: string })[] };
}

/**
 * What is in force as an AsyncAPI 3.0 document: the gateway is the application. It receives what its subscriptions
 * bring and sends what REST may publish. Holds no secret. Reads the schemas of the contracts; never throws.
 */
export function describe(settings: InForce, version: string): JsonObject {
  const { broker, subscriptions, contracts, publish } = settings;
  const servers = Object.fromEntries(
    broker.urls.map((url, i) => [i === 0 ? 'broker' : `broker-${i + 1}`, serverOf(url, broker.protocol)]),
  );
  const byName = new Map(contracts.map((contract) => [contract.name, contract]));
  const names = new Names();
  const channels: [string, JsonObject][] = [];
  const operations: [string, JsonObject][] = [];
  const used = new Set<string>();
  const messagesOf = (contract: string | undefined): string[] => {
    const found = contract === undefined ? undefined : byName.get(contract);
    const messages = found?.oneOf?.contracts ?? (found ? [found.name] : []);
    for (const message of messages) used.add(message);
    return [...messages];
  };
  for (const { name, qos, contract, ...filter } of subscriptions) {
    const key = names.take(name);
    const messages = messagesOf(contract);
    channels.push([key, channelOf(filter, messages, `The topics of subscription ${name}.`)]);
    operations.push([
      `receive-${key}`,
      { action: 'receive', ...operationOn(key, messages), bindings: { mqtt: { qos } } },
    ]);
  }
  for (const { contract, ...filter } of publishedBy(publish)) {
    const key = names.take(`publish-${filter.filter}`);
    const messages = messagesOf(contract);
    channels.push([key, channelOf(filter, messages, 'Topics that apps may publish to over REST.')]);
    operations.push([`send-${key}`, { action: 'send', ...operationOn(key, messages) }]);
  }
  const described = [...used].flatMap((name) => byName.get(name) ?? []).map((contract) => describeContract(contract));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Holdfast gateway',
      version,
      description:
        'What this gateway receives from its broker, what it checks it against, and what apps may publish through it.',
    },
    servers,
    channels: Object.fromEntries(channels),
    operations: Object.fromEntries(operations),
    components: {
      messages: Object.fromEntries(described.map(({ name, message }) => [name, message])),
      schemas: Object.fromEntries(described.flatMap(({ name, schema }) => (schema ? [[name, schema]] : []))),
    },
  };
}

/** What may be published: each filter that has a contract and is allowed, and each allowed one with its contract. */
function publishedBy({ allow, contracts = [] }: InForce['publish']): (NamedFilter & { contract?: string })[] {
  const within = contracts.filter(({ filter }) => allow.some((allowed) => covers(allowed, filter)));
  const rest = allow.filter((allowed) => !within.some(({ filter }) => filter === allowed));
  return [
    ...within,
    ...rest.map((filter) => ({ filter, contract: contracts.find((one) => covers(one.filter, filter))?.contract })),
  ];
}

/** Whether a filter takes every topic that the other one takes. */
function covers(filter: string, other: string): boolean {
  return topicMatches(filter, other) && (filter.endsWith('#') || !other.endsWith('#'));
}

function operationOn(channel: string, messages: string[]): JsonObject {
  const there = `#/channels/${channel}`;
  const refs = messages.map((name) => ({ $ref: `${there}/messages/${name}` }));
  return { channel: { $ref: there }, ...(refs.length > 0 ? { messages: refs } : {}) };
}

const PROTOCOLS: { readonly [scheme: string]: string } = {
  'mqtt:': 'mqtt',
  'mqtts:': 'secure-mqtt',
  'ws:': 'ws',
  'wss:': 'wss',
};

/** Where the broker is. What a query may hold is nobody's business. */
function serverOf(url: string, version: BrokerSettings['protocol']): JsonObject {
  const { protocol, host, pathname } = new URL(url);
  const overWeb = protocol.startsWith('ws');
  return {
    host,
    protocol: PROTOCOLS[protocol] ?? 'mqtt',
    ...(overWeb && pathname !== '/' ? { pathname } : {}),
    ...(overWeb ? { description: 'MQTT over WebSocket.', bindings: { mqtt: {} } } : {}),
    ...(version === 'auto' ? {} : { protocolVersion: version }),
  };
}
