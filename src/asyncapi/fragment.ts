import { filtersOverlap } from '../domain/topic.js';
import { filterOf } from './address.js';
import { MessageContracts, type ImportedContract } from './messages.js';
import { Names } from './names.js';
import type { Operation, Reading } from './operations.js';
import type { Rules, RulesByName } from './parameters.js';
import { JoinedContracts, Routes, type JoinedContract, type Route } from './routes.js';
import { brokerUrl } from './servers.js';

interface Routed {
  filter: string;
  parameters?: { [name: string]: Rules };
  contract?: string;
}

type Contract = { format: string; schema?: string; protobuf?: { file: string; message: string } } | JoinedContract;

/** The part of a configuration that a document says, in the words of the file. */
export interface Fragment {
  broker: { url: string };
  subscriptions: (Routed & { name?: string; qos?: number; overlap?: 'allow' })[];
  contracts: { [name: string]: Contract };
  publish: { allow: string[]; contracts: (Routed & { contract: string })[] };
}

/** What the configuration takes at most. */
const SUBSCRIPTIONS_MAX = 500;
const ALLOWED_MAX = 1_000;
const NAME_CHARACTERS_MAX = 256;
const ANY_BROKER = '${MQTT_URL:-mqtt://localhost:1883}';

export interface Written {
  fragment: Fragment;
  /** What is to be written beside it, by its path from there. */
  files: Map<string, string>;
}

export function fragmentOf(operations: readonly Operation[], reading: Reading): Written {
  const { references, warnings } = reading;
  const names = new Names();
  const contracts = new MessageContracts(reading, names);
  const received = new Routes(reading, contracts, { routes: SUBSCRIPTIONS_MAX, what: 'subscriptions' });
  const sent = new Routes(reading, contracts, { routes: ALLOWED_MAX, what: 'filters that may be published to' });
  for (const operation of operations) {
    const address = filterOf(operation.address, operation.channel, references, warnings);
    if (address === undefined) continue;
    const { action, qos, place } = operation;
    if (action === 'send' && qos === 2) warnings.add(place, 'publishes go out with QoS 0 or 1');
    (action === 'send' ? sent : received).add(address, operation);
  }
  const joined = new JoinedContracts(names, warnings);
  const subscriptions = subscriptionsOf(received.list(), joined, warnings);
  const publish = { allow: sent.filters(), contracts: publishesOf(sent.list(), joined, warnings) };
  const files = new Map<string, string>();
  const single = contracts.list().map((contract): [string, Contract] => [contract.name, written(contract, files)]);
  return {
    fragment: {
      broker: { url: brokerUrl(reading) ?? ANY_BROKER },
      subscriptions,
      contracts: Object.fromEntries([...single, ...joined.made]),
      publish,
    },
    files,
  };
}

function written(
  { name, format, schema, unusable, protobuf, examples }: ImportedContract,
  files: Map<string, string>,
): Contract {
  const file = `contracts/${name}.schema.json`;
  const proto = `contracts/${name}.proto`;
  if (schema !== undefined) files.set(file, `${JSON.stringify(schema, undefined, 2)}\n`);
  if (protobuf) files.set(proto, protobuf.source);
  for (const { ending, text } of examples) files.set(`contracts/${name}.${ending}`, text);
  return {
    format,
    ...(schema !== undefined && !unusable ? { schema: file } : {}),
    ...(protobuf ? { protobuf: { file: proto, message: protobuf.message } } : {}),
  };
}

function subscriptionsOf(
  routes: readonly Route[],
  joined: JoinedContracts,
  warnings: Reading['warnings'],
): Fragment['subscriptions'] {
  const taken = new Set<string>();
  return routes.map((route, i) => {
    const { address, operations } = route;
    const [first] = operations;
    const name = first?.name?.replace(/[\p{C}$]/gu, '?').slice(0, NAME_CHARACTERS_MAX);
    const isFilter = routes.some(({ address: { named } }) => named === name);
    const unique = name !== undefined && !taken.has(name) && !isFilter;
    if (unique) taken.add(name);
    const said = operations.map(({ qos }) => qos).filter((qos) => qos !== undefined);
    const overlapping = routes.slice(0, i).find((one) => filtersOverlap(one.address.filter, address.filter));
    if (overlapping) {
      warnings.add(first!.channel, `overlaps ${overlapping.address.filter}, which names the contract of both`);
    }
    return {
      ...(unique ? { name } : {}),
      filter: address.named,
      ...(said.length > 0 ? { qos: Math.max(...said) } : {}),
      ...checks(route, joined.of(route), warnings),
      ...(overlapping ? { overlap: 'allow' as const } : {}),
    };
  });
}

function publishesOf(
  routes: readonly Route[],
  joined: JoinedContracts,
  warnings: Reading['warnings'],
): Fragment['publish']['contracts'] {
  return routes.flatMap((route) => {
    const { contract, ...rest } = checks(route, joined.of(route), warnings);
    return contract === undefined ? [] : [{ filter: route.address.named, contract, ...rest }];
  });
}

/** A contract, and the rules of parameters, which need one. */
function checks(
  { address: { rules }, operations: [first] }: Route,
  contract: string | undefined,
  warnings: Reading['warnings'],
): Omit<Routed, 'filter'> {
  if (contract !== undefined) return { contract, ...parametersOf(rules) };
  if (rules.size > 0) warnings.add(first!.channel, 'its parameters are not checked, because it has no contract');
  return {};
}

function parametersOf(rules: RulesByName): Pick<Routed, 'parameters'> {
  return rules.size > 0 ? { parameters: Object.fromEntries(rules) } : {};
}
