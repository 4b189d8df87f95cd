import type { SubscriberSettings } from '../domain/subscriber.js';
import type { GatewayConfig } from './gateway.config.js';
import type { Path, Report } from './problem.js';
import { durationMs } from './quantity.js';
import type { Surroundings } from './reference.js';
import type { SubscriberConfig } from './subscriber.config.js';
import { checkTls } from './tls-rules.js';

type Tls = SubscriberSettings['tls'];

/** What must fit together where we send to. @returns the PEM texts of each subscriber */
export function checkSending({ subscribers }: GatewayConfig, report: Report, surroundings: Surroundings): Tls[] {
  return (subscribers as (SubscriberConfig | undefined)[]).map((subscriber, index) => {
    if (subscriber === undefined) return undefined;
    const path: Path = ['subscribers', index];
    checkTimeouts(path, subscriber, report);
    checkAuthorization(path, subscriber, report);
    checkReply(path, subscriber, report);
    return subscriber.tls && checkSubscriberTls(path, subscriber, report, surroundings);
  });
}

function checkTimeouts(path: Path, subscriber: SubscriberConfig, report: Report): void {
  const { timeout } = subscriber;
  if (!report.clean([...path, 'timeout'])) return;
  for (const key of ['connectTimeout', 'headersTimeout'] as const) {
    const part = subscriber[key];
    if (part === undefined || !report.clean([...path, key]) || durationMs(part)! <= durationMs(timeout)!) continue;
    report.problem([...path, key], 'is longer than timeout, which is for all of it', 'Lower it, or raise timeout.');
  }
}

function checkAuthorization(path: Path, { auth, headers }: SubscriberConfig, report: Report): void {
  if (!auth || !report.clean([...path, 'auth'])) return;
  if ((auth.bearer === undefined) === (auth.basic === undefined)) {
    const message = auth.basic ? 'holds both bearer and basic' : 'holds neither bearer nor basic';
    report.problem([...path, 'auth'], message, 'Keep one of bearer and basic.');
  } else if ([...headers.keys()].some((name) => name.toLowerCase() === 'authorization')) {
    report.problem([...path, 'auth'], 'stands beside headers.authorization', 'Keep one of the two.');
  }
}

function checkReply(path: Path, { reply, answers, format }: SubscriberConfig, report: Report): void {
  if (!reply) return;
  const beside = answers === 'dapr' ? 'answers: dapr, and a body cannot be both' : undefined;
  const message = format === 'cloudevents-batch' ? `format: ${format}, and a batch has no one to answer` : beside;
  if (message !== undefined) report.problem([...path, 'reply'], `stands beside ${message}`, 'Keep one of the two.');
}

function checkSubscriberTls(
  path: Path,
  { url, tls }: SubscriberConfig,
  report: Report,
  surroundings: Surroundings,
): Tls {
  if (/^http:/i.test(url)) {
    report.warning([...path, 'tls'], 'has no effect: url does not use TLS', 'Use https://, or remove it.');
  }
  return checkTls(tls!, [...path, 'tls'], report, surroundings);
}
