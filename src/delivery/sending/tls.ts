import { createSecureContext, type SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { HoldfastError } from '../../domain/errors.js';
import type { SubscriberSettings } from '../../domain/subscriber.js';
import { guardedConnector, type Guard } from './guard.js';

/**
 * Opens the connections of one subscriber. Its own deadline is for whoever calls it.
 * @param guard absent: they may lead anywhere
 * @throws HoldfastError CONFIG_INVALID when a certificate or key cannot be used
 */
export function connectorOf(
  { id, tls }: Pick<SubscriberSettings, 'id' | 'tls'>,
  url: URL,
  guard: Guard | undefined,
): buildConnector.connector {
  const secure = tls && { servername: tls.serverName, secureContext: contextOf(id, tls) };
  const options = { allowH2: false, timeout: 0, ...secure };
  return guard ? guardedConnector(url, options, guard) : buildConnector(options);
}

/** Made once: reading certificates costs more than the rest of a connect. */
function contextOf(id: string, { ca, cert, key }: NonNullable<SubscriberSettings['tls']>): SecureContext {
  try {
    return createSecureContext({ ca, cert, key });
  } catch (error) {
    const message = `the certificates or the key of the subscriber ${id} cannot be used`;
    throw new HoldfastError('CONFIG_INVALID', message, { cause: error });
  }
}
