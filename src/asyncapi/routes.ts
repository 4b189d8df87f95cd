import { isDeepStrictEqual } from 'node:util';
import type { Address } from './address.js';
import { discriminatorOf } from './discriminator.js';
import type { ImportedContract, MessageContracts } from './messages.js';
import type { Names } from './names.js';
import type { Operation, Reading } from './operations.js';

/** A contract of other contracts. */
export interface JoinedContract {
  format: string;
  oneOf: string[];
  discriminator?: string;
  mapping?: { [value: string]: string };
}

/** What goes over one filter, in one direction. */
export interface Route {
  address: Address;
  operations: Operation[];
  contracts: Set<ImportedContract>;
  /** A message of it may be anything. */
  open: boolean;
}

/** What the configuration takes at most. */
const CONTRACTS_MAX = 500;

/** The routes of one direction, each filter once. */
export class Routes {
  readonly #routes = new Map<string, Route>();

  constructor(
    private readonly reading: Reading,
    private readonly contracts: MessageContracts,
    private readonly max: { routes: number; what: string },
  ) {}

  add(address: Address, operation: Operation): void {
    const { warnings } = this.reading;
    const known = this.#routes.get(address.filter);
    if (!known && this.#routes.size >= this.max.routes) {
      return warnings.add(operation.place, `a configuration takes ${this.max.routes} ${this.max.what}; left out`);
    }
    const route = known ?? { address, operations: [], contracts: new Set(), open: false };
    if (known && !isDeepStrictEqual(known.address.rules, address.rules)) {
      known.address = { ...known.address, rules: new Map() };
      warnings.add(operation.channel, `has the filter of another channel, so that no parameter of it is checked`);
    }
    this.#routes.set(address.filter, route);
    route.operations.push(operation);
    if (operation.messages.length === 0) route.open = true;
    for (const message of operation.messages) {
      const full = this.contracts.list().length >= CONTRACTS_MAX;
      const contract = full ? undefined : this.contracts.of(message, operation);
      if (contract) route.contracts.add(contract);
      else route.open = true;
    }
  }

  /** In the order of the document. */
  filters(): string[] {
    return [...this.#routes.keys()];
  }

  /** In the order they are to be written: the first that matches names the contract, so the narrower one comes first. */
  list(): Route[] {
    return [...this.#routes.values()].sort((one, other) => breadth(one.address.filter) - breadth(other.address.filter));
  }
}

/** The contracts that join those of several messages. */
export class JoinedContracts {
  readonly made = new Map<string, JoinedContract>();

  constructor(
    private readonly names: Names,
    private readonly warnings: Reading['warnings'],
  ) {}

  /** The name of the contract of a route, one that joins several if need be; undefined: any payload is valid. */
  of({ operations: [first], contracts: found, open }: Route): string | undefined {
    const { name, place } = first!;
    const contracts = [...found];
    if (open && contracts.length > 0) {
      this.warnings.add(place, 'one of its messages may be anything, so that no contract is named');
      return undefined;
    }
    if (contracts.length < 2) return contracts[0]?.name;
    const { format } = contracts[0]!;
    const oneOf = contracts.map((contract) => contract.name);
    if (contracts.some((contract) => contract.format !== format)) {
      this.warnings.add(place, `its messages have several formats, so that no contract is named: ${oneOf.join(', ')}`);
      return undefined;
    }
    const told = discriminatorOf(contracts);
    if (!told && contracts.some(({ misfit, protobuf }) => !misfit && !protobuf)) {
      // It would accept what the others do, and exactly one must.
      this.warnings.add(place, 'one of its messages may be anything, so that no contract is named');
      return undefined;
    }
    if (!told) {
      this.warnings.add(place, `no property tells its messages apart: exactly one of ${oneOf.join(', ')} must fit`);
      this.#tellOfExamples(place, contracts);
    }
    const joined = { format, oneOf, ...told };
    for (const [known, one] of this.made) if (isDeepStrictEqual(one, joined)) return known;
    const both = this.names.take(name, oneOf.join('-or-'));
    this.made.set(both, joined);
    return both;
  }

  /** Those of a message that fit another one, too, so that none of their kind would pass. */
  #tellOfExamples(place: Operation['place'], contracts: readonly ImportedContract[]): void {
    for (const { name, format, examples } of contracts) {
      for (const { ending, text } of examples) {
        const value: unknown = format === 'text' ? text : JSON.parse(text);
        const fitting = contracts.filter(({ misfit }) => misfit?.(value) === undefined).map((one) => one.name);
        if (fitting.length < 2) continue;
        this.warnings.add(
          place,
          `what is like ${name}.${ending} is rejected, because it fits ${fitting.join(' and ')}`,
        );
      }
    }
  }
}

/** How much a filter takes, roughly: `#` more than any number of `+`. */
function breadth(filter: string): number {
  const levels = filter.split('/');
  return levels.filter((level) => level === '+').length + (levels.at(-1) === '#' ? 1_000 : 0);
}
