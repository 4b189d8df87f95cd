import type { Cause } from '../domain/cause.js';

/**
 * One table for every reason code that can end or refuse a connection or an operation
 * [MQTT 5.0, 2.4; MQTT 3.1.1, 3.2.2.3]. Codes 1–5 are CONNACK return codes of 3.1.1.
 */
export const CAUSE_OF_CODE: { readonly [code: number]: Cause } = {
  1: 'protocol-version',
  2: 'client-id-rejected',
  3: 'broker-unreachable',
  4: 'bad-credentials',
  5: 'not-authorized',
  0x80: 'unknown',
  0x81: 'malformed-packet',
  0x82: 'protocol-error',
  0x83: 'unknown',
  0x84: 'protocol-version',
  0x85: 'client-id-rejected',
  0x86: 'bad-credentials',
  0x87: 'not-authorized',
  0x88: 'broker-unreachable',
  0x89: 'server-busy',
  0x8a: 'banned',
  0x8b: 'broker-shutdown',
  0x8c: 'bad-credentials',
  0x8d: 'keepalive-timeout',
  0x8e: 'client-id-conflict',
  0x8f: 'subscribe-denied',
  0x90: 'publish-denied',
  0x91: 'protocol-error',
  0x92: 'protocol-error',
  0x93: 'receive-maximum-exceeded',
  0x94: 'protocol-error',
  0x95: 'packet-too-large',
  0x96: 'quota-exceeded',
  0x97: 'quota-exceeded',
  0x98: 'admin-kick',
  0x99: 'malformed-packet',
  0x9a: 'unsupported',
  0x9b: 'unsupported',
  0x9c: 'server-moved',
  0x9d: 'server-moved',
  0x9e: 'unsupported',
  0x9f: 'quota-exceeded',
  0xa0: 'admin-kick',
  0xa1: 'unsupported',
  0xa2: 'unsupported',
};

/** The cause behind a code the broker gave, `unknown` for one the specifications do not have. */
export function causeOfCode(code: number): Cause {
  return CAUSE_OF_CODE[code] ?? 'unknown';
}

/** The cause behind a refused SUBSCRIBE or PUBLISH: where the code says no more than no, the operation is denied. */
export function causeOfRefusal(operation: 'subscribe' | 'publish', code: number): Cause {
  const cause = causeOfCode(code);
  return cause === 'not-authorized' || cause === 'unknown' ? `${operation}-denied` : cause;
}

/** What an operator can do, for every cause. */
export const MEND: { readonly [cause in Cause]: string } = {
  'client-id-conflict':
    'Another client connects with this client id. Find it at the broker, and give every gateway a session.clientId of its own.',
  'client-id-rejected': 'The broker does not accept this client id. Set session.clientId to one it allows.',
  'not-authorized':
    'Let this user and client id in at the broker, and check broker.username and broker.password: many brokers say the same to a wrong password.',
  'subscribe-denied':
    'Allow the filter for this user at the broker, or remove the subscription. The others work meanwhile.',
  'publish-denied': 'Allow the topic for this user at the broker, or take it out of publish.allow.',
  'bad-credentials': 'Check broker.username, broker.password and the client certificate.',
  'keepalive-timeout': 'The broker or the network went silent. Look at both, and at session.keepalive.',
  'event-loop-stall':
    'The gateway’s own link thread stood still for longer than the keepalive. Give it more CPU, and look at holdfast_thread_delay_seconds.',
  'broker-shutdown': 'The broker is restarting or has stopped. The gateway comes back by itself.',
  'broker-unreachable':
    'Check that the broker runs, that it has room for one more, and that broker.url and the network lead to it.',
  'server-busy': 'The broker is overloaded. Look at it; the gateway backs off.',
  dns: 'The broker’s name cannot be resolved. Check broker.url and the cluster’s DNS.',
  tls: 'The TLS handshake failed. Check broker.tls, the port, the certificate chain, its dates and the host name.',
  'websocket-upgrade':
    'What answers there does not speak MQTT over WebSocket. Check the path in broker.url, and proxies on the way.',
  'protocol-version': 'The broker does not speak this MQTT version. Set broker.protocol.',
  'protocol-error':
    'Broker and gateway disagree about the protocol. Look at the broker’s log, and report it with this evidence.',
  unsupported:
    'The broker does not support what was asked. Compare the configuration with what `holdfast doctor` says of its limits.',
  'packet-too-large':
    'A packet was larger than one side allows. Check session.maxPacket, publish.maxPayload and the broker’s limit.',
  'receive-maximum-exceeded':
    'More was on the way than one side allows. Check session.receiveMaximum, and report it with this evidence.',
  'quota-exceeded':
    'The broker’s quota for this client is used up. Raise it there, or send and receive less; the gateway backs off.',
  'malformed-packet':
    'One side could not read a packet. Look for a proxy that changes bytes, and report it with this evidence.',
  banned:
    'The broker has banned this client, often for connecting too often. Lift the ban there; the gateway waits it out.',
  'server-moved': 'The broker sends clients elsewhere. Set broker.url, or list the other address in broker.urls.',
  'session-lost':
    'The broker has forgotten the session and what it held for us. Turn on its persistence, and check session.expiry; or look for another client that connects with this client id and a clean start.',
  'admin-kick': 'Somebody at the broker, or a rule of it, ended the connection. Ask its operator.',
  'canary-silent':
    'The broker takes messages and does not send them back. Check its ACL for the canary topic and the subscriptions: some brokers grant a filter and then withhold its messages.',
  network: 'The connection broke on the way. Look at load balancers, idle limits and the broker’s log.',
  requested: 'The gateway was stopped. Nothing to do.',
  unknown: 'Nothing is known but what the evidence says. Look at the broker’s log at this time.',
};
