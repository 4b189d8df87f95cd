import type { Credentials, SessionSettings, WillSettings } from '../domain/settings.js';
import type { ConnectionOptions } from './connection.js';
import type { Dial } from './dial.js';

const CONNECT_TIMEOUT_MS_MAX = 10_000;

/** What the next connection is opened with. */
export function connectionOptions(
  { url, protocolVersion }: Pick<Dial, 'url' | 'protocolVersion'>,
  session: SessionSettings,
  clientId: string,
  credentials: Credentials,
  will: WillSettings | undefined,
): ConnectionOptions {
  const { username, password, tls, wsHeaders } = credentials;
  return {
    url,
    protocolVersion,
    clientId,
    keepaliveSeconds: Math.ceil(session.keepaliveMs / 1000),
    expirySeconds: Math.floor(session.expiryMs / 1000),
    receiveMaximum: session.receiveMaximum,
    maxPacketBytes: session.maxPacketBytes,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    tls,
    wsHeaders,
    will,
    connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS_MAX, session.keepaliveMs * 1.5),
  };
}
