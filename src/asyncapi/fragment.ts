import { filtersOverlap } from '../domain/topic.js';
import { filterOf } from './address.js';
import { discriminatorOf } from './discriminator.js';
import type { JsonObject } from './json.js';
import { MessageContracts, type ImportedContract } from './messages.js';
import { Names } from './names.js';
import type { Operation, Reading } from './operations.js';
import { brokerUrl } from './servers.js';

/** The part of a configuration that a document says, in the words of the file. */
export interface Fragment {
  broker: { url: string };
  subscriptions: { name?: string; filter: string; qos?: number; contract?: string; overlap?: 'allow' }[];
  contracts: {
    [name: string]:
      | { format: string; schema?: string }
      | { format: string; oneOf: string[]; discriminator?: string; mapping?: { [value: string]: string } };
  };
  publish: { allow: string[] };
}

/** What the configuration takes at most. */
const SUBSCRIPTIONS_MAX = 500;
const CONTRACTS_MAX = 500;
const ALLOWED_MAX = 1_000;
const NAME_CHARACTERS_MAX = 256;
const ANY_BROKER = '${MQTT_URL:-mqtt://localhost:1883}';

interface Received {
  filter: string;
  operations: Operation[];
  contracts: Set<ImportedContract>;
  /** A message of it may be anything. */
  open: boolean;
}

export interface Written {
  fragment: Fragment;
  /** Each as JSON, by its path from the fragment. */
  schemas: Map<string, JsonObject | boolean>;
}

export function fragmentOf(operations: readonly Operation[], reading: Reading): Written {
  const { references, warnings } = reading;
  const names = new Names();
  const contracts = new MessageContracts(reading, names);
  const received = new Map<string, Received>();
  const allow = new Set<string>();
  for (const operation of operations) {
    const filter = filterOf(operation.address, operation.channel, references, warnings);
    if (filter === undefined) continue;
    if (operation.action === 'send') send(allow, filter, operation, reading);
    else receive(received, filter, operation, contracts, reading);
  }
  const merged = new Map<string, Fragment['contracts'][string]>();
  const subscriptions = subscriptionsOf([...received.values()], merged, names, reading);
  const schemas = new Map<string, JsonObject | boolean>();
  const single = contracts.list().map(({ name, format, schema, unusable }): [string, Fragment['contracts'][string]] => {
    const file = `contracts/${name}.schema.json`;
    if (schema !== undefined) schemas.set(file, schema);
    return [name, { format, ...(schema !== undefined && !unusable ? { schema: file } : {}) }];
  });
  return {
    fragment: {
      broker: { url: brokerUrl(reading) ?? ANY_BROKER },
      subscriptions,
      contracts: Object.fromEntries([...single, ...merged]),
      publish: { allow: [...allow] },
    },
    schemas,
  };
}

function send(allow: Set<string>, filter: string, { place, qos }: Operation, { warnings }: Reading): void {
  if (qos === 2) warnings.add(place, 'publishes go out with QoS 0 or 1');
  if (allow.size < ALLOWED_MAX) allow.add(filter);
  else warnings.add(place, `publish.allow takes ${ALLOWED_MAX} filters; left out`);
}

function receive(
  received: Map<string, Received>,
  filter: string,
  operation: Operation,
  contracts: MessageContracts,
  { warnings }: Reading,
): void {
  const known = received.get(filter);
  if (!known && received.size >= SUBSCRIPTIONS_MAX) {
    return warnings.add(operation.place, `a configuration takes ${SUBSCRIPTIONS_MAX} subscriptions; left out`);
  }
  const one = known ?? { filter, operations: [], contracts: new Set(), open: false };
  received.set(filter, one);
  one.operations.push(operation);
  if (operation.messages.length === 0) one.open = true;
  for (const message of operation.messages) {
    const contract = contracts.list().length < CONTRACTS_MAX ? contracts.of(message, operation) : undefined;
    if (contract) one.contracts.add(contract);
    else one.open = true;
  }
}

function subscriptionsOf(
  received: Received[],
  merged: Map<string, Fragment['contracts'][string]>,
  names: Names,
  { warnings }: Reading,
): Fragment['subscriptions'] {
  const taken = new Set<string>();
  // The first that matches names the contract: the narrower one comes first.
  const ordered = received.toSorted((one, other) => breadth(one.filter) - breadth(other.filter));
  return ordered.map(({ filter, operations, contracts, open }, i) => {
    const [first] = operations;
    const name = first?.name?.replace(/[\p{C}$]/gu, '?').slice(0, NAME_CHARACTERS_MAX);
    const unique = name !== undefined && !taken.has(name) && !received.some((one) => one.filter === name);
    if (unique) taken.add(name);
    const said = operations.map(({ qos }) => qos).filter((qos) => qos !== undefined);
    const overlapping = ordered.slice(0, i).find((one) => filtersOverlap(one.filter, filter));
    if (overlapping) warnings.add(first!.channel, `overlaps ${overlapping.filter}, which names the contract of both`);
    const contract = contractOf(first!, [...contracts], open, merged, names, warnings);
    return {
      ...(unique ? { name } : {}),
      filter,
      ...(said.length > 0 ? { qos: Math.max(...said) } : {}),
      ...(contract === undefined ? {} : { contract }),
      ...(overlapping ? { overlap: 'allow' as const } : {}),
    };
  });
}

function contractOf(
  { name, place }: Operation,
  contracts: ImportedContract[],
  open: boolean,
  merged: Map<string, Fragment['contracts'][string]>,
  names: Names,
  warnings: Reading['warnings'],
): string | undefined {
  if (open && contracts.length > 0) {
    warnings.add(place, 'one of its messages may be anything, so that no contract is named');
    return undefined;
  }
  if (contracts.length < 2) return contracts[0]?.name;
  const { format } = contracts[0]!;
  const oneOf = contracts.map((contract) => contract.name);
  if (contracts.some((contract) => contract.format !== format)) {
    warnings.add(place, `its messages have several formats, so that no contract is named: ${oneOf.join(', ')}`);
    return undefined;
  }
  const found = discriminatorOf(contracts);
  if (!found) warnings.add(place, `no property tells its messages apart: exactly one of ${oneOf.join(', ')} must fit`);
  const both = names.take(name, oneOf.join('-or-'));
  merged.set(both, { format, oneOf, ...found });
  return both;
}

/** How much a filter takes, roughly: `#` more than any number of `+`. */
function breadth(filter: string): number {
  const levels = filter.split('/');
  return levels.filter((level) => level === '+').length + (levels.at(-1) === '#' ? 1_000 : 0);
}
