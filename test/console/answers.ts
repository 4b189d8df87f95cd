/** Answers of a gateway on a bad night. */
import type { DeadLetter, Rejection, SubscriberView } from '../../src/console/shown/rest.js';
import { RATE_COUNTS, RATE_LEVELS, type Activity, type Rates, type Status } from '../../src/console/shown/types.js';
import type { LinkStatus } from '../../src/domain/link.js';

export const HOSTILE = '<img src=x onerror=alert(1)>\u202egnp.exe\u0007';
const MINUTE_MS = 60_000;

export function ago(minutes: number): string {
  return new Date(Date.now() - minutes * MINUTE_MS).toISOString();
}

export function link(): LinkStatus & { drops: { backAt?: string }[] } {
  const network = { cause: 'network', confidence: 'likely', mend: 'Look at load balancers and idle limits.' } as const;
  const evidence = ['the socket closed without a DISCONNECT', 'nothing was received for 4.2 s'];
  return {
    state: 'up',
    clientId: 'plant-7',
    url: 'mqtts://broker.example:8883',
    protocol: '5',
    sessionPresent: true,
    since: ago(12),
    pendingAcks: 0,
    subscribed: ['telemetry', 'alarms'],
    denied: { secrets: 135 },
    setAside: {},
    unanswered: [],
    counters: {
      connects: 9,
      reconnects: 8,
      received: [10, 120_400, 3],
      journaled: 120_410,
      dropped: 0,
      suppressed: 2,
      published: 40,
      refused: 0,
    },
    drops: [
      {
        at: ago(14),
        wasUp: true,
        backAt: ago(12),
        cause: 'client-id-conflict',
        confidence: 'certain',
        evidence: ['the broker said DISCONNECT 0x8e (session taken over)', HOSTILE],
        mend: 'Another client connects with this client id. Find it at the broker.',
      },
      { at: ago(300), wasUp: false, count: 12, firstAt: ago(360), backAt: ago(299), ...network, evidence },
      { at: ago(361), wasUp: true, ...network, evidence },
      { at: ago(1000), wasUp: true, backAt: ago(990), ...network, evidence },
    ],
  };
}

export function status(): Status {
  const { drops, ...figures } = link();
  return {
    version: '0.1.0',
    node: '24.21.0',
    now: new Date().toISOString(),
    startedAt: ago(3000),
    findings: [
      {
        id: 'client-id-conflict',
        severity: 'critical',
        what: 'Another client takes the session away.',
        since: ago(14),
        why: 'The broker said DISCONNECT 0x8e (session taken over) 3 times in 10 min.',
        mend: 'Find the other client at the broker, and give every gateway a session.clientId of its own.',
        panel: 'link',
      },
      {
        id: 'subscriber-broken',
        severity: 'warning',
        subject: 'billing',
        what: 'Nothing can be sent to billing.',
        since: ago(41),
        why: 'Its breaker is open: status 503, 214 times.',
        mend: 'Look at the receiver; it is probed by itself, and resume wakes it at once.',
        panel: 'subscribers',
      },
      {
        id: 'subscriber-paused',
        severity: 'info',
        subject: 'audit',
        what: 'audit is paused.',
        since: ago(2000),
        why: 'Somebody asked for it.',
        mend: 'Resume it when its receiver may be sent to again.',
        panel: 'subscribers',
      },
    ],
    link: { ...figures, lastDrop: drops[0], asOf: new Date().toISOString() },
    journal: {
      state: 'open',
      reason: '',
      records: 1_204_113,
      bytes: 1_503_238_553,
      maxBytes: 2_147_483_648,
      last: 8_120_410,
      admitted: 8_120_410,
      outbox: 0,
      corruptRecords: 0,
      rejections: 7,
      commitSeconds: { p50: 0.0021, p99: 0.014, max: 0.082 },
      asOf: new Date().toISOString(),
    },
    contracts: { lost: 0, held: false, waitSeconds: 0 },
    threads: {
      link: { delaySeconds: 0.001, worstDelaySeconds: 0.004 },
      journal: { delaySeconds: 0.001, worstDelaySeconds: 0.09 },
      contract: { delaySeconds: 0.001, worstDelaySeconds: 0.01 },
      main: { delaySeconds: 0.002, worstDelaySeconds: 0.02 },
    },
    subscribers: {
      states: { active: 1, paused: 1, broken: 1, gone: 0 },
      lagRecords: 48_210,
      lagSeconds: 2460,
      deadLetters: 37,
    },
    reload: { result: 'applied', at: ago(700), needsRestart: ['ops.port'] },
  };
}

const subscriber = { topics: ['devices/#'], waiting: 0, inFlight: 0, replays: [] } as const;

export function subscribers(): { items: SubscriberView[] } {
  const one = { ...subscriber, topics: ['devices/#'], replays: [], lagRecords: 0, lagSeconds: 0, reason: '' };
  return {
    items: [
      { ...one, id: 'dashboard', source: 'file', url: 'https://dash.example/events', state: 'active' },
      {
        ...one,
        id: 'billing',
        source: 'file',
        url: 'https://billing.example/in?key=********',
        state: 'broken',
        reason: 'status 503',
        heldUntil: ago(-0.5),
        lagRecords: 48_200,
        lagSeconds: 2460,
      },
      {
        ...one,
        id: 'audit',
        source: 'registered',
        url: 'https://audit.example/',
        state: 'paused',
        lagRecords: 10,
        lagSeconds: 9,
      },
    ],
  };
}

export function activity(): Activity {
  const none = { delivered: 0, retry: 0, throttled: 0, dead: 0 };
  return {
    now: new Date().toISOString(),
    items: [
      { id: 'dashboard', attempts: { ...none, delivered: 1_204 }, lastDeliveredAt: ago(0), deadLetters: 0 },
      {
        id: 'billing',
        attempts: { ...none, delivered: 2, retry: 11 },
        deadLetters: 37,
        lastFailure: { at: ago(0.2), position: 8_072_210, id: 'x', reason: 'status', status: 503, detail: HOSTILE },
      },
      { id: 'audit', attempts: none, deadLetters: 0 },
    ],
  };
}

export function rates(): Rates {
  const steps = 720;
  const wave = (mean: number, swing: number): number[] =>
    Array.from({ length: steps }, (_, n) =>
      Math.max(0, Math.round(mean + swing * Math.sin(n / 60) + swing * 0.3 * Math.sin(n / 7))),
    );
  const zeros = new Array<number>(steps).fill(0);
  const outage = (values: number[]): number[] => values.map((value, n) => (n > 540 && n < 565 ? 0 : value));
  const filled = <K extends string>(names: readonly K[], some: Partial<{ [name in K]: number[] }>) =>
    Object.fromEntries(names.map((name) => [name, some[name] ?? zeros])) as { [name in K]: number[] };
  return {
    now: new Date().toISOString(),
    until: new Date().toISOString(),
    stepSeconds: 5,
    counts: filled(RATE_COUNTS, {
      received: outage(wave(600, 200)),
      journaled: outage(wave(590, 200)),
      rejected: wave(10, 12),
      delivered: wave(900, 250),
      retried: wave(40, 60),
      dead: wave(1, 2),
      published: wave(20, 18),
    }),
    levels: filled(RATE_LEVELS, {
      journalBytes: Array.from({ length: steps }, (_, n) => 1.2e9 + n * 4e5),
      commitSecondsMax: wave(20, 15).map((value) => value / 1000),
      lagRecords: Array.from({ length: steps }, (_, n) => n * 67),
    }),
  };
}

export function deadLetters(): { items: DeadLetter[] } {
  return {
    items: Array.from({ length: 12 }, (_, n) => ({
      number: 40 - n,
      subscriber: n % 3 === 0 ? 'audit' : 'billing',
      position: 8_000_000 - n * 77,
      id: `0199aaaa-0000-7000-8000-0000000000${n + 10}`,
      topic: n === 1 ? `devices/${HOSTILE}/telemetry` : `devices/meter-${n}/telemetry`,
      reason: n % 2 === 0 ? 'status' : 'expired',
      status: n % 2 === 0 ? 422 : 0,
      detail: n === 1 ? HOSTILE : '{"error":"unknown meter"}',
      attempts: n + 1,
      at: ago(n * 17 + 1),
    })),
  };
}

export function rejections(): { items: Rejection[] } {
  return {
    items: [
      {
        position: 4711,
        id: '0199aaaa-0000-7000-8000-000000004711',
        topic: 'devices/meter-3/telemetry',
        contract: 'telemetry',
        reason: 'schema',
        problems: [
          { pointer: '/watts', rule: 'type', message: 'must be a number', expected: 'number', sample: HOSTILE },
        ],
        at: ago(3),
        replays: 1,
      },
    ],
  };
}
