import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { HoldfastError } from '../domain/errors.js';
import { invalid } from '../domain/request-problem.js';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** `name`, `name:port`, `[address]:port`; nothing else that a URL may have before its path. */
const HOST = /^(\[[\da-f:.]+\]|[^\s:/?#@[\]]+)(?::\d{0,5})?$/i;

export interface FrontSettings {
  /** Names that may stand in the `Host` header, besides addresses, `localhost` and `host`. */
  allowedHosts: readonly string[];
  /** Where the gateway listens. */
  host: string;
  /** Whether a caller needs a token. */
  tokens: boolean;
}

/**
 * What is looked at before anything is routed. A web page may send requests to this machine: under the gateway's own
 * address, or under a name of its own that it has led to this machine (DNS rebinding). Browsers say where a request
 * comes from and which name it is for; where no token protects the gateway, that must do.
 */
export function refusalOf(
  request: IncomingMessage,
  { allowedHosts, host, tokens }: FrontSettings,
): HoldfastError | undefined {
  const { url = '', method = '', headers } = request;
  if (!url.startsWith('/')) return malformed('the request target must be a path: this is no proxy');
  const hosts = valuesOf('host', request.rawHeaders);
  const [, name] = HOST.exec(hosts[0] ?? '') ?? [];
  if (hosts.length !== 1 || name === undefined) return malformed('there must be exactly one Host header, a host');
  if ((!tokens || allowedHosts.length > 0) && !isKnown(name, [host, ...allowedHosts])) {
    return new HoldfastError('HOST_FORBIDDEN', `the gateway is not called ${JSON.stringify(name)}`);
  }
  const { origin } = headers;
  const crossSite = headers['sec-fetch-site'] === 'cross-site';
  if (SAFE_METHODS.has(method)) {
    // Whoever follows a link may; a page that fetches could not read the answer, but would hold streams open.
    const fetched = crossSite && !tokens && headers['sec-fetch-mode'] !== 'navigate';
    return fetched ? foreignPage() : undefined;
  }
  const foreign = !tokens && origin !== undefined && URL.parse(origin)?.host !== headers.host?.toLowerCase();
  if (!crossSite && !foreign) return undefined;
  return foreignPage();
}

function foreignPage(): HoldfastError {
  return new HoldfastError('FORBIDDEN', 'a web page of another origin may not do this');
}

function malformed(message: string): HoldfastError {
  return invalid([{ pointer: '', message }]);
}

/** An address is never a name that somebody else has led here. */
function isKnown(name: string, names: readonly string[]): boolean {
  const plain = name.toLowerCase().replace(/\.$/, '');
  return isIP(plain.replace(/^\[(.*)\]$/, '$1')) !== 0 || plain === 'localhost' || names.includes(plain);
}

/** Node keeps the first of several `Host` headers, and says nothing of the others. */
function valuesOf(name: string, rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name);
}
