/** What mqtt.js is told of a connection besides its transport. */
import type { IClientOptions, Packet } from 'mqtt';
import type { WillSettings } from '../domain/settings.js';
import type { ConnectionOptions } from './connection.js';

/** On what stands in for a PUBREL. */
export const PUBREL_MARK = Symbol('pubrel');

export function clientOptions(options: ConnectionOptions): IClientOptions {
  const { protocolVersion, will } = options;
  return {
    manualConnect: true,
    reconnectPeriod: 0, // the session owns the loop
    resubscribe: false,
    clean: false,
    protocolVersion,
    clientId: options.clientId,
    keepalive: options.keepaliveSeconds,
    connectTimeout: options.connectTimeoutMs,
    timerVariant: { set: () => 1, clear: () => undefined }, // the session pings; see keepalive.ts
    queueQoSZero: false,
    log: () => undefined, // its debug log costs time also while it is off
    incomingStore: releaseStore() as unknown as NonNullable<IClientOptions['incomingStore']>,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(will ? { will: willOf(will, protocolVersion) } : {}),
    ...(protocolVersion === 5
      ? {
          properties: {
            sessionExpiryInterval: options.expirySeconds, // without it the session ends with the connection
            receiveMaximum: options.receiveMaximum,
            maximumPacketSize: options.maxPacketBytes,
          },
        }
      : {}),
  };
}

function willOf(
  { topic, payload, qos, retain, delaySeconds }: WillSettings,
  protocolVersion: 4 | 5,
): IClientOptions['will'] {
  const message = { topic, payload: Buffer.from(payload), qos, retain };
  return protocolVersion === 5 ? { ...message, properties: { willDelayInterval: delaySeconds } } : message;
}

/**
 * mqtt.js looks a PUBREL's message up in its store and answers PUBCOMP by itself when it is not there. Finding
 * a marked packet instead sends it through handleMessage, so that PUBCOMP can wait for the commit.
 */
function releaseStore(): object {
  const done = (_: unknown, callback?: () => void): void => callback?.();
  return {
    put: done,
    del: done,
    get: (packet: Packet, callback: (error: null, found: object) => void) =>
      callback(null, {
        cmd: 'publish',
        topic: '',
        payload: Buffer.alloc(0),
        messageId: packet.messageId,
        [PUBREL_MARK]: true,
      }),
    close: (callback?: () => void) => callback?.(),
  };
}
