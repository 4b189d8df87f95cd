import { BlockList, isIP } from 'node:net';

/**
 * What kind of place an address is. `never`: nothing may be sent there, whoever allowed it: link-local, the clouds'
 * metadata, unspecified, multicast and reserved addresses.
 */
export type AddressKind = 'public' | 'private' | 'loopback' | 'never';

const NEVER: readonly [network: string, bits: number][] = [
  ['0.0.0.0', 8], // "this host": connecting to it reaches loopback
  ['169.254.0.0', 16], // link-local; metadata of AWS, Azure, Google, Oracle, …
  ['100.100.100.200', 32], // metadata of Alibaba
  ['168.63.129.16', 32], // Azure's host
  ['192.0.0.0', 24], // protocol assignments; 192.0.0.192: metadata of Oracle's classic cloud
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
  ['::', 128],
  ['fe80::', 10], // link-local
  ['fec0::', 10], // site-local, long gone
  ['ff00::', 8], // multicast
  ['fd00:ec2::', 64], // metadata of AWS: fd00:ec2::254
  ['fd20:ce::', 64], // metadata of Google: fd20:ce::254
  ['64:ff9b:1::', 48], // translated in a way that only the network knows [RFC 8215]
  ['2001::', 32], // Teredo
  ['100::', 64], // discard-only
];
const LOOPBACK: typeof NEVER = [
  ['127.0.0.0', 8],
  ['::1', 128],
];
const PRIVATE: typeof NEVER = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10], // shared by carriers, and by some clusters
  ['198.18.0.0', 15],
  ['fc00::', 7],
];

const kinds: readonly [AddressKind, BlockList][] = [
  ['never', blockList(NEVER)],
  ['loopback', blockList(LOOPBACK)],
  ['private', blockList(PRIVATE)],
];

/** The kind of an IPv4 or IPv6 address; `never` for what is none. */
export function addressKind(address: string): AddressKind {
  const plain = canonicalAddress(address);
  if (plain === undefined) return 'never';
  const kind = kinds.find(([, list]) => list.check(plain, familyOf(plain)))?.[0] ?? 'public';
  // A translator on the way sends it to the IPv4 address inside.
  const inside = translated(plain);
  return inside !== undefined && kind !== 'never' ? worse(kind, addressKind(inside)) : kind;
}

/**
 * One spelling for each address: IPv4 in decimals, also where it is mapped into IPv6 (`::ffff:10.0.0.1`); IPv6
 * compressed and in lower case; no brackets, no zone. Undefined when the text is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/s, '$1').replace(/%.*$/s, '');
  if (isIP(bare) === 4) return bare;
  if (isIP(bare) !== 6) return undefined;
  const words = wordsOf(bare);
  const mapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  return mapped ? dotted(words[6]!, words[7]!) : new URL(`http://[${bare}]/`).hostname.slice(1, -1);
}

/** A network as `10.0.0.0/8`, `fd00::/8`, or one address. Undefined when it is none. */
export function networkOf(text: string): BlockList | undefined {
  const [, written = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = canonicalAddress(written);
  if (address === undefined) return undefined;
  const longest = isIP(address) === 4 ? 32 : 128;
  const prefix = bits === undefined ? longest : Number(bits);
  // A prefix of a mapped address counts bits of IPv6: nobody means that.
  if (prefix > longest || (bits !== undefined && isIP(written) !== isIP(address))) return undefined;
  return blockList([[address, prefix]]);
}

export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}

function blockList(networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, familyOf(network));
  return list;
}

/** The IPv4 address that NAT64, 6to4 or an IPv4-compatible address leads to. */
function translated(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const words = wordsOf(address);
  const zeros = (from: number, to: number): boolean => words.slice(from, to).every((word) => word === 0);
  if (words[0] === 0x2002) return dotted(words[1]!, words[2]!);
  if (words[0] === 0x64 && words[1] === 0xff9b && zeros(2, 6)) return dotted(words[6]!, words[7]!);
  return zeros(0, 6) && words[6] !== 0 ? dotted(words[6]!, words[7]!) : undefined;
}

function worse(one: AddressKind, other: AddressKind): AddressKind {
  return (['never', 'loopback', 'private'] as const).find((kind) => kind === one || kind === other) ?? 'public';
}

/** The eight words of an IPv6 address that is well-formed. */
function wordsOf(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const parse = (part: string): number[] => (part === '' ? [] : part.split(':').map((word) => parseInt(word, 16)));
  const before = parse(head);
  const after = tail === undefined ? [] : parse(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Where a server that listens on `host` is reached from this machine: the host of a URL. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
