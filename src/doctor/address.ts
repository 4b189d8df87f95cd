import { isIP } from 'node:net';
import type { BrokerSettings } from '../domain/settings.js';

/** One of the broker's addresses, taken apart. */
export interface BrokerAddress {
  /** As it is shown and given to mqtt.js. */
  url: string;
  /** Without brackets. */
  host: string;
  port: number;
  secure: boolean;
  webSocket: boolean;
  /** Path and query of the WebSocket upgrade. */
  path: string;
}

const PORTS: { [protocol: string]: number } = { 'mqtt:': 1_883, 'mqtts:': 8_883, 'ws:': 80, 'wss:': 443 };

export function addressOf(url: string): BrokerAddress {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  return {
    url,
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? PORTS[protocol]! : Number(port),
    secure: protocol === 'mqtts:' || protocol === 'wss:',
    webSocket: protocol === 'ws:' || protocol === 'wss:',
    path: `${pathname === '' ? '/' : pathname}${search}`,
  };
}

/** The name the broker's certificate must be for. */
export function serverNameOf({ host }: BrokerAddress, tls: BrokerSettings['tls']): string {
  return tls.serverName ?? host;
}

/** What TLS is to be opened with; empty for addresses without. An IP address is no server name [RFC 6066, 3]. */
export function tlsOptions(
  address: BrokerAddress,
  { ca, cert, key, serverName }: BrokerSettings['tls'],
): { ca?: string; cert?: string; key?: string; servername?: string } {
  if (!address.secure) return {};
  const servername = serverName ?? (isIP(address.host) === 0 ? address.host : undefined);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
  };
}
