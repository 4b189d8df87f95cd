/** The settings for whoever may read and not know secrets. What is not known to be harmless is masked. Pure. */
import type { Settings } from '../domain/settings.js';

export const MASK = '********';

/** Texts that may be shown; `*` is any one step, `**` all that follow. A new key is masked until it is here. */
const SHOWN = [
  ...['broker.protocol', 'broker.tls.serverName'],
  ...['session.clientId', 'session.canary.topic', 'session.will.topic', 'session.birth.topic'],
  ...['subscriptions.*.name', 'subscriptions.*.filter', 'subscriptions.*.contract', 'subscriptions.*.overlap'],
  ...['subscriptions.*.parameters.**'],
  ...['contracts.*.name', 'contracts.*.format', 'contracts.*.compression', 'contracts.*.mode', 'contracts.*.redact.*'],
  ...['contracts.*.schemaFile', 'contracts.*.class.*', 'contracts.*.protobuf.*', 'contracts.*.oneOf.**'],
  ...['subscribers.*.id', 'subscribers.*.topics.*', 'subscribers.*.startFrom', 'subscribers.*.format'],
  ...['subscribers.*.payload', 'subscribers.*.answers', 'subscribers.*.ordering', 'subscribers.*.key'],
  ...['subscribers.*.where.**', 'subscribers.*.tls.serverName'],
  ...['registration.allow.*', 'journal.directory', 'journal.whenFull'],
  ...['publish.allow.*', 'publish.contracts.*.filter', 'publish.contracts.*.contract', 'publish.request.responseTopic'],
  ...['http.host', 'http.auth', 'http.allowedHosts.*', 'http.auth.tokens.*.name'],
  ...['http.auth.tokens.*.scopes.*', 'http.auth.tokens.*.publish.*'],
  ...['ops.host', 'log.level', 'log.format', 'tracing.service'],
].map(steps);
/** Addresses: without user, password and query, which may be secrets. */
const ADDRESSES = ['broker.urls.*', 'subscribers.*.url', 'tracing.endpoint'].map(steps);

const DURATIONS = [
  ...([
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const),
  ['ms', 1] as const,
];
const SIZES = [
  ...([
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const),
  ['B', 1] as const,
];
/** In bytes, and not called so. */
const IN_BYTES: ReadonlySet<string> = new Set(['maxBytes', 'bytes', 'maxExpanded', 'maxString']);

interface Plain {
  [key: string]: unknown;
}

/** Keys, durations and sizes as the configuration file has them. */
export function maskedSettings({ journal, publish, ...settings }: Settings): Plain {
  const { outbox, ...kept } = journal;
  const masked = shown({ ...settings, journal: kept, publish: { ...publish, outbox } }, []) as Plain;
  const { maxBytes: maxSize, ...others } = masked['journal'] as Plain;
  const contracts = (masked['contracts'] as Plain[]).map(({ name, ...contract }) => [name, contract] as const);
  return { ...masked, contracts: Object.fromEntries(contracts), journal: { ...others, maxSize } };
}

function shown(value: unknown, path: readonly string[]): unknown {
  if (typeof value === 'string') return text(value, path);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) return value.map((one, i) => shown(one, [...path, String(i)]));
  if (typeof value !== 'object') return MASK;
  const entries: [string, unknown][] =
    value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value);
  return Object.fromEntries(
    entries
      .filter(([, one]) => one !== undefined && one !== Infinity)
      .map(([key, one]) => [fileKey(key), unit(key, one) ?? shown(one, [...path, key])]),
  );
}

function text(value: string, path: readonly string[]): string {
  if (SHOWN.some((pattern) => fits(pattern, path))) return value;
  if (!ADDRESSES.some((pattern) => fits(pattern, path)) || !URL.canParse(value)) return MASK;
  const { protocol, host, pathname, search, username, password } = new URL(value);
  const user = username || password ? `${MASK}@` : '';
  return `${protocol}//${user}${host}${pathname}${search ? `?${MASK}` : ''}`;
}

/** As text with its unit; undefined: it has none. */
function unit(key: string, value: unknown): unknown {
  const write = /Ms(Max)?$/.test(key)
    ? (ms: number) => withUnit(ms, DURATIONS)
    : /Seconds$/.test(key)
      ? (seconds: number) => withUnit(seconds * 1_000, DURATIONS)
      : /[bB]ytes(Max)?$/.test(key) || IN_BYTES.has(key)
        ? (bytes: number) => withUnit(bytes, SIZES)
        : undefined;
  if (!write) return undefined;
  if (typeof value === 'number') return write(value);
  const all = Array.isArray(value) ? (value as unknown[]) : [];
  return all.length > 0 && all.every((one) => typeof one === 'number') ? all.map(write) : undefined;
}

function withUnit(value: number, units: readonly (readonly [string, number])[]): string {
  const [name, size] = units.find(([, one]) => value > 0 && value % one === 0) ?? units.at(-1)!;
  return `${value / size}${name}`;
}

/** What the file calls it: `expiryMs` is `expiry`, and `timeoutMsMax` is `maxTimeout`. */
function fileKey(key: string): string {
  if (key === 'schemaFile') return 'schema';
  if (key === 'headerBytes') return 'headers';
  const [, most] = /^(.+)Max$/.exec(key) ?? [];
  if (most !== undefined) return `max${capital(most.replace(/Ms$/, ''))}`;
  if (key === 'maxBytes' || key === 'maxKeyBytes') return key;
  return key.replace(/(?<=.)(Ms|Bytes|Seconds)$/, '');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function steps(path: string): string[] {
  return path.split('.');
}

function fits(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1) === '**';
  const fixed = open ? pattern.slice(0, -1) : pattern;
  if (open ? path.length < fixed.length : path.length !== fixed.length) return false;
  return fixed.every((step, i) => step === '*' || step === path[i]);
}
