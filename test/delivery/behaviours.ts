/** What receivers do, and what must become of each record: the answer table of the README, and worse. */
import { answer, pour, write, type Behaviour } from '../support/hostile-receiver.js';

export interface Case {
  act: Behaviour;
  /** What becomes of every record. `waiting`: it is in the backlog, neither delivered nor dead. */
  end: 'delivered' | 'dead' | 'waiting';
  /** Of its dead letters. */
  reason?: string;
  /** Absent: whichever. */
  status?: number;
  /** Attempts each record has had when it is dead: 1, or all of the schedule. */
  attempts?: number;
  /** At the end. Default `active`, or whatever it is of one that is retried or throttled. */
  state?: string;
  /** Most requests that may ever come. */
  requestsMax?: number;
  /** More settings of the subscriber. */
  settings?: { [key: string]: unknown };
}

export const SCHEDULE_ATTEMPTS = 3;
export const CONCURRENCY = 4;

const HOUR_S = 3_600;
const HEAD = 'HTTP/1.1 200 OK\r\n';
const KIB = 1_024;
const UNTRIED = { attempts: 0, status: undefined };
/** What is sent while the first answer is on its way; after it, nothing. */

const ONE_WAVE = { requestsMax: CONCURRENCY };
/** A pause of nothing is 100 ms, doubled each time: eleven of them are longer than the test. */
const IMPATIENT = { requestsMax: CONCURRENCY + 12, settings: { breaker: { failures: 100, openFor: '1h' } } };

const delivered = (act: Behaviour, more: Partial<Case> = {}): Case => ({
  act,
  end: 'delivered',
  state: 'active',
  ...more,
});
const dead = (act: Behaviour, reason: string, status: number): Case => ({
  act,
  end: 'dead',
  reason,
  status,
  attempts: 1,
  state: 'active',
});
const retried = (act: Behaviour, reason: string, status = 0, more: Partial<Case> = {}): Case => ({
  act,
  end: 'dead',
  reason,
  status,
  attempts: SCHEDULE_ATTEMPTS,
  ...more,
});
const throttled = (act: Behaviour, more: Partial<Case> = {}): Case => ({ act, end: 'waiting', ...more });
const late = (act: Behaviour, settings: { [key: string]: unknown } = { timeout: '300ms' }): Case =>
  retried(act, 'timeout', 0, { settings });
const broken = (act: Behaviour, more: Partial<Case> = {}): Case => retried(act, 'network', 0, more);

/** By the first word of the path. */
export const CASES = new Map<string, Case>([
  ...statuses([200, 201, 202, 203, 204, 206, 226], (status) => delivered(answer(status))),
  ...statuses([300, 301, 302, 303, 304, 307, 308], (status) =>
    dead(answer(status, { location: '/200-elsewhere' }), 'redirect', status),
  ),
  ...statuses([400, 402, 405, 406, 411, 412, 413, 414, 415, 418, 421, 422, 423, 425, 426, 428, 431, 451], (status) =>
    dead(answer(status), 'status', status),
  ),
  ...statuses([401, 403, 404, 407], (status) => retried(answer(status), 'status', status, { state: 'broken' })),
  ...statuses([408, 409, 500, 501, 502, 503, 504, 505, 507, 508, 511, 599], (status) =>
    retried(answer(status), 'status', status),
  ),
  ['410', throttled(answer(410), { state: 'gone', requestsMax: CONCURRENCY })],
  ['429', throttled(answer(429))],
  ...statuses([429, 502, 503, 504], (status) => throttled(retryAfter(status, `${HOUR_S}`), ONE_WAVE), 'in-seconds'),
  ...statuses([429, 502, 503, 504], (status) => throttled(retryAfter(status, httpDate()), ONE_WAVE), 'by-date'),
  ['429-at-once', throttled(retryAfter(429, '0'), IMPATIENT)],
  ['429-in-the-past', throttled(retryAfter(429, new Date(0).toUTCString()), IMPATIENT)],
  ['429-negative', throttled(retryAfter(429, '-5'), IMPATIENT)],
  ['503-at-once', throttled(retryAfter(503, '0'), IMPATIENT)],
  ['503-negative', retried(retryAfter(503, '-5'), 'status', 503)],
  ['500-retry-after', retried(retryAfter(500, `${HOUR_S}`), 'status', 500)],
  ['503-no-date', retried(retryAfter(503, 'soon'), 'status', 503)],
  // With its last answer, or without another attempt.
  ['429-too-old', { ...retried(answer(429), 'expired'), ...UNTRIED, settings: { retry: { maxAge: '500ms' } } }],
  ...connections(),
  ...bodies(),
  ...heads(),
  ['dapr-success', delivered(answer(200, {}, '{"status":"SUCCESS"}'), { settings: { answers: 'dapr' } })],
  ['dapr-drop', { ...dead(answer(200, {}, '{"status":"DROP"}'), 'dropped', 200), settings: { answers: 'dapr' } }],
  ['dapr-retry', retried(answer(200, {}, '{"status":"RETRY"}'), 'answer', 200, { settings: { answers: 'dapr' } })],
  ['dapr-404', retried(answer(404), 'status', 404, { settings: { answers: 'dapr' } })],
]);

function statuses(list: number[], make: (status: number) => Case, suffix?: string): [string, Case][] {
  return list.map((status) => [suffix === undefined ? `${status}` : `${status}-${suffix}`, make(status)]);
}

function retryAfter(status: number, value: string): Behaviour {
  return answer(status, { 'retry-after': value });
}

function httpDate(): string {
  return new Date(Date.now() + HOUR_S * 1_000).toUTCString();
}

function connections(): [string, Case][] {
  return [
    ['hangs', late(() => undefined)],
    ['hangs-for-long', throttled(() => undefined, { settings: { timeout: '10m' }, requestsMax: CONCURRENCY })],
    ['no-head-in-time', late(() => undefined, { timeout: '10m', headersTimeout: '300ms' })],
    ['reset', broken((socket) => socket.resetAndDestroy())],
    ['reset-in-head', broken((socket) => void socket.write('HTTP/1.1 20', () => socket.resetAndDestroy()))],
    [
      'reset-in-body',
      broken((socket) => void socket.write(`${HEAD}content-length: 9\r\n\r\nhalf`, () => socket.resetAndDestroy())),
    ],
    ['closed', broken((socket) => socket.destroy())],
    ['half-closed-before', broken((socket) => void socket.end())],
    ['half-closed-after', delivered((socket) => void socket.end(`${HEAD}content-length: 0\r\n\r\n`))],
    ['closes-each', delivered(answer(200, { connection: 'close' }))],
  ];
}

function bodies(): [string, Case][] {
  const endless = 'x'.repeat(64 * KIB);
  return [
    ['hangs-after-head', late(write(`${HEAD}content-length: 9\r\n\r\n`))],
    ['drips-body', late(pour(`${HEAD}content-length: 60000\r\n\r\n`, 'x', 20))],
    ['gigabyte', delivered(pour(`${HEAD}content-length: 1073741824\r\n\r\n`, endless))],
    ['gigabyte-chunked', delivered(pour(`${HEAD}transfer-encoding: chunked\r\n\r\n`, `10000\r\n${endless}\r\n`))],
    ['gigabyte-400', dead(pour('HTTP/1.1 400 No\r\ncontent-length: 1073741824\r\n\r\n', endless), 'status', 400)],
    ['gigabyte-until-close', delivered(pour(`${HEAD}\r\n`, endless))],
    ['length-too-short', delivered(write(`${HEAD}content-length: 2\r\n\r\nokay`))],
    ['length-too-long', broken((socket) => void socket.end(`${HEAD}content-length: 9\r\n\r\nokay`))],
    ['length-twice', broken(write(`${HEAD}content-length: 2\r\ncontent-length: 4\r\n\r\nokay`))],
    ['length-negative', broken(write(`${HEAD}content-length: -1\r\n\r\n`))],
    [
      'length-and-chunks',
      broken(write(`${HEAD}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n4\r\nokay\r\n0\r\n\r\n`)),
    ],
    ['chunks-broken', broken(write(`${HEAD}transfer-encoding: chunked\r\n\r\nnot a length\r\n`))],
    [
      'chunks-unfinished',
      broken((socket) => void socket.end(`${HEAD}transfer-encoding: chunked\r\n\r\n4\r\nokay\r\n`)),
    ],
  ];
}

function heads(): [string, Case][] {
  const goOn = 'HTTP/1.1 100 Continue\r\n\r\n';
  const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
  return [
    ['drips-head', late(pour(`${HEAD}x-drip: `, 'x', 20))],
    ['endless-headers', broken(pour(HEAD, 'x-more: 1234567890\r\n'.repeat(100)))],
    ['endless-header', broken(pour(`${HEAD}x-long: `, 'x'.repeat(16 * KIB)))],
    ['interim-flood', broken(pour('', interim, 1))],
    ['continue-then-200', delivered(write(`${goOn}${goOn}${HEAD}content-length: 0\r\n\r\n`))],
    ['interim-then-200', delivered(write(`${interim.repeat(3)}${HEAD}content-length: 0\r\n\r\n`))],
    ['upgrade', broken(write('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'))],
    ['not-http', broken(write('220 mail.example ESMTP\r\n'))],
    ['not-text', broken(write('\u0000\u00ff\u0015\u0003'.repeat(100)))],
    ['status-too-large', broken(write('HTTP/1.1 20000 OK\r\ncontent-length: 0\r\n\r\n'))],
    ['header-without-name', broken(write(`${HEAD}: x\r\ncontent-length: 0\r\n\r\n`))],
    ['twice', delivered(write(`${HEAD}content-length: 0\r\n\r\n`.repeat(2)))],
  ];
}
