import { lookup as systemLookup, type LookupAddress, type LookupAllOptions, type LookupOptions } from 'node:dns';
import { isIP, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { destinationOf, type AllowList } from '../../domain/allow-list.js';

/** As `dns.lookup` with `all: true`. */
export type Lookup = (
  host: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface Guard {
  allow: AllowList;
  /** Default: the system's. */
  lookup?: Lookup;
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** Error code of a connection that was not made, because it may not be. */
export const FORBIDDEN = 'HOLDFAST_FORBIDDEN';

/**
 * Connects only where the allow-list lets it. A name is resolved once, all its addresses are looked at, and the
 * connection goes to those and no others: an answer of DNS that changes a moment later changes nothing.
 * Like undici's own, the connector gives back the socket it makes.
 */
export function guardedConnector(
  url: URL,
  options: buildConnector.BuildOptions,
  guard: Guard,
): buildConnector.connector {
  const destination = destinationOf(url);
  const refusal = (address: string): Error | undefined => {
    const why = guard.allow.refusal(destination, address);
    return why === undefined ? undefined : Object.assign(new Error(why), { code: FORBIDDEN });
  };
  const resolve = guard.lookup ?? systemLookup;
  const lookup = (host: string, wanted: LookupOptions, callback: LookupCallback): void => {
    resolve(host, { ...wanted, all: true }, (error, addresses) => {
      const refused = error ?? addresses.map(({ address }) => refusal(address)).find((one) => one !== undefined);
      const [first] = addresses ?? [];
      if (refused) callback(refused, []);
      else if (wanted.all || !first) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
  const connect = buildConnector({ ...options, lookup });
  return (target, callback) => {
    // An address is not looked up, so that the lookup would not see it.
    const refused = isIP(destination.host) === 0 ? undefined : refusal(destination.host);
    if (!refused) return connect(target, callback);
    process.nextTick(callback, refused, null);
    return new Socket().destroy();
  };
}
