/** Why the link dropped or was refused. A closed list: it is a metric label and a promise to operators. */
export const CAUSES = [
  'client-id-conflict',
  'client-id-rejected',
  'not-authorized',
  'subscribe-denied',
  'publish-denied',
  'bad-credentials',
  'keepalive-timeout',
  'event-loop-stall',
  'broker-shutdown',
  'broker-unreachable',
  'server-busy',
  'dns',
  'tls',
  'websocket-upgrade',
  'protocol-version',
  'protocol-error',
  'unsupported',
  'packet-too-large',
  'receive-maximum-exceeded',
  'quota-exceeded',
  'malformed-packet',
  'banned',
  'server-moved',
  'session-lost',
  'admin-kick',
  'canary-silent',
  'network',
  'requested',
  'unknown',
] as const;
export type Cause = (typeof CAUSES)[number];

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

/** What another password, certificate or token may mend. */
export const LOGIN_CAUSES: ReadonlySet<Cause> = new Set<Cause>([
  'bad-credentials',
  'not-authorized',
  'tls',
  'websocket-upgrade',
]);

/** What is known of one drop or refusal. */
export interface Diagnosis {
  cause: Cause;
  /** How sure: `certain` when the broker said so, `likely` when inferred, `guess` otherwise. */
  confidence: 'certain' | 'likely' | 'guess';
  /** What was seen, in words. */
  evidence: string[];
  /** What an operator can do. */
  mend: string;
}
