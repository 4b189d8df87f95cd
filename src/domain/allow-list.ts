import type { BlockList } from 'node:net';
import { addressKind, canonicalAddress, familyOf, networkOf } from './address.js';

/** Where something leads to. `host`: as `URL.hostname` has it. */
export interface Destination {
  host: string;
  port: number;
}

export function destinationOf(url: URL): Destination {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port };
}

interface Entry {
  port: number | undefined;
  network: BlockList | undefined;
  /** Whether a name matches; false for every address. */
  names(host: string): boolean;
}

/**
 * The places that a subscriber registered over REST may be sent to: hosts (`billing.apps.svc`), all hosts under one
 * (`*.apps.svc`), addresses, each with a port or without, and networks (`10.0.0.0/8`).
 *
 * A host that is allowed by name may be at a private address, because in a cluster everything is. It may be at a
 * loopback address only when its name is `localhost`, or when the list has that address too: whoever runs the name's
 * DNS could otherwise reach what listens beside the gateway. Some addresses are never allowed ({@link addressKind}).
 */
export class AllowList {
  readonly #entries: Entry[];

  /** @param entries each without a {@link allowEntryProblem} */
  constructor(entries: readonly string[]) {
    this.#entries = entries.map((entry) => parseEntry(entry)!);
  }

  /** Whether names are worth resolving: only then can their addresses be among what is allowed. */
  get hasNetworks(): boolean {
    return this.#entries.some(({ network }) => network !== undefined);
  }

  allowsName({ host, port }: Destination): boolean {
    const name = plainName(host);
    if (canonicalAddress(name) !== undefined) return false;
    return this.#entries.some((entry) => entry.names(name) && fits(entry, port));
  }

  /** Why nothing may be sent to this address of the destination, in words; undefined when it may. */
  refusal(destination: Destination, address: string): string | undefined {
    const { host, port } = destination;
    const plain = canonicalAddress(address);
    const kind = addressKind(address);
    const where = canonicalAddress(host) === undefined ? `${host} is at ${address}, which` : address;
    if (plain === undefined || kind === 'never') return `${where} is a kind of address that is never allowed`;
    const listed = this.#entries.some(
      (entry) => entry.network?.check(plain, familyOf(plain)) === true && fits(entry, port),
    );
    if (listed) return undefined;
    const named = this.allowsName(destination);
    if (named && (kind !== 'loopback' || plainName(host) === 'localhost')) return undefined;
    return named ? `${where} is this machine` : `${where} is not in registration.allow, with port ${port}`;
  }
}

/** What is wrong with an entry, in words that follow it. */
export function allowEntryProblem(entry: string): string | undefined {
  return parseEntry(entry) ? undefined : 'is neither a host, an address nor a network';
}

const NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;
const CHARACTERS_MAX = 260;

function parseEntry(entry: string): Entry | undefined {
  if (entry.length > CHARACTERS_MAX) return undefined;
  const network = networkOf(entry);
  if (network) return { port: undefined, network, names: () => false };
  const [, host, digits] = /^(.+?)(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (host === undefined || port === 0 || (port ?? 1) > 65_535) return undefined;
  if (/^\[.*\]$/.test(host) || networkOf(host)) {
    const one = host.includes('/') ? undefined : networkOf(host);
    return one && { port, network: one, names: () => false };
  }
  const name = plainName(host);
  // What a URL would read as an address, such as 0x7f.1, is no name.
  if (!NAME.test(name) || canonicalAddress(URL.parse(`http://${name.replace('*', 'a')}/`)?.hostname ?? '')) {
    return undefined;
  }
  const suffix = name.startsWith('*.') ? name.slice(1) : undefined;
  return { port, network: undefined, names: (other) => (suffix ? other.endsWith(suffix) : other === name) };
}

/** Names are the same in any case, and with a dot at their end. */
function plainName(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

function fits(entry: Entry, port: number): boolean {
  return entry.port === undefined || entry.port === port;
}
