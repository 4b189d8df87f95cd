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
