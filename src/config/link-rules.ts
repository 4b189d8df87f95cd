import { ERRORS } from '../domain/errors.js';
import type { BrokerSettings } from '../domain/settings.js';
import type { BrokerConfig } from './broker.config.js';
import type { GatewayConfig } from './gateway.config.js';
import type { Path, Report } from './problem.js';
import { durationMs } from './quantity.js';
import type { Surroundings } from './reference.js';
import { checkTls } from './tls-rules.js';

/** What must fit together for the link. @returns the PEM texts */
export function checkLink(config: GatewayConfig, report: Report, surroundings: Surroundings): BrokerSettings['tls'] {
  checkAddresses(config.broker, report);
  checkCredentials(config.broker, report);
  checkSession(config, report);
  return checkTls(config.broker.tls, ['broker', 'tls'], report, surroundings);
}

function checkAddresses({ url, urls, tls, wsHeaders }: BrokerConfig, report: Report): void {
  if (url !== undefined && urls !== undefined) {
    report.problem(['broker', 'urls'], 'stands beside url', 'Keep one of url and urls.');
  }
  if (!report.clean(['broker', 'url']) || !report.clean(['broker', 'urls'])) return;
  const all = urls ?? (url === undefined ? [] : [url]);
  if (all.length === 0) report.problem(['broker', 'url'], 'is missing', 'Add it: url: mqtts://broker:8883');
  const none = (protocols: RegExp): boolean => all.length > 0 && !all.some((one) => protocols.test(one));
  if (Object.values(tls).some((value) => value !== undefined) && none(/^(mqtts|wss):/i)) {
    report.warning(['broker', 'tls'], 'has no effect: no address uses TLS', 'Use mqtts:// or wss://, or remove it.');
  }
  if (wsHeaders.size > 0 && none(/^wss?:/i)) {
    report.warning(['broker', 'wsHeaders'], 'has no effect: no address is a WebSocket', 'Use ws:// or wss://.');
  }
}

function checkCredentials({ username, password, protocol }: BrokerConfig, report: Report): void {
  if (!password || username || protocol === '5' || !report.clean(['broker', 'username'])) return;
  const message = 'stands without username, which MQTT 3.1.1 forbids';
  report.problem(['broker', 'password'], message, 'Add broker.username, or set broker.protocol: 5.');
}

function checkSession({ session, broker }: GatewayConfig, report: Report): void {
  const sound = (...path: Path): boolean => report.clean(['session', ...path]);
  if (sound('expiry') && durationMs(session.expiry) === 0 && broker.protocol !== '3.1.1') {
    report.problem(['session', 'expiry'], 'must not be 0: the session would not be kept', ERRORS.SESSION_NOT_KEPT.hint);
  }
  const delayMs = session.will && sound('will') ? durationMs(session.will.delay)! : 0;
  if (delayMs > 0 && broker.protocol === '3.1.1') {
    report.warning(['session', 'will', 'delay'], 'has no effect: MQTT 3.1.1 has no delay', 'Remove it.');
  } else if (sound('expiry') && delayMs > durationMs(session.expiry)!) {
    const mend = 'Raise session.expiry or lower session.will.delay.';
    report.warning(['session', 'will', 'delay'], 'is cut short: the session ends before', mend);
  }
  const { initial, max } = session.reconnect;
  if (sound('reconnect') && durationMs(initial)! > durationMs(max)!) {
    report.problem(['session', 'reconnect', 'max'], 'is shorter than reconnect.initial', 'Raise max or lower initial.');
  }
}
