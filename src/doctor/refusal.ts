/** Why the broker does not let us in, in words. Pure. */
import type { BrokerSettings } from '../domain/settings.js';
import type { Ending } from './probe.js';
import { failed, type Verdict } from './row.js';
import { reason } from './words.js';

/** How a connection ended, as a sentence about the broker. */
export function endingInWords({ code, words, errors, systemCode }: Ending): string {
  const said = words === '' ? '' : `, saying "${words}"`;
  if (code !== 0) return `the broker answered ${reason(code)}${said}`;
  if (systemCode === 'ECONNRESET') return 'the broker reset the connection (ECONNRESET)';
  if (errors.length > 0 && systemCode === '') return `what the broker sent is not MQTT (${errors[0]})`;
  if (errors.length > 0) return `the connection failed: ${errors[0]} (${systemCode})`;
  return 'the broker closed the connection without a word';
}

/** What was tried. */
export interface Attempted {
  broker: BrokerSettings;
  clientId: string;
  protocol: '5' | '3.1.1';
  /** The address says no TLS, but what listens there speaks it. */
  wantsTls: boolean;
}

export function judgeRefusal(ending: Ending, attempted: Attempted): Verdict {
  const { broker, protocol } = attempted;
  const login = broker.username === undefined ? 'without a user name' : `as user "${broker.username}"`;
  const seen = `${endingInWords(ending)}; tried MQTT ${protocol} ${login}`;
  return failed(attempted.wantsTls ? `${seen}; the port speaks TLS` : seen, mendFor(ending, attempted));
}

function mendFor(ending: Ending, attempted: Attempted): string {
  const { broker, protocol, clientId } = attempted;
  const { code } = ending;
  if (attempted.wantsTls) return 'Write mqtts:// (or wss://) into broker.url, or use the broker’s port without TLS.';
  switch (code) {
    case 4:
    case 0x86:
      return `${wrongLogin(broker)}${spaces(broker)}`;
    case 5:
    case 0x87:
      return `${notAuthorized(broker, clientId)}${spaces(broker)}`;
    case 1:
    case 0x84:
      return `The broker does not speak MQTT ${protocol}: set broker.protocol to auto${protocol === '5' ? ' or 3.1.1' : ' or 5'}.`;
    case 2:
    case 0x85:
      return `The broker does not take the client id "${clientId}". If it ties ids to users, the doctor only gets in by taking over the gateway’s own, while the gateway is stopped (docs/doctor.md); else set session.clientId to one it allows.`;
    case 3:
    case 0x88:
    case 0x89:
      return 'The broker is overloaded or not ready: look at it; the gateway keeps trying.';
    case 0x8a:
      return 'This client, user or address is banned: lift the ban at the broker, and look for what connects too often.';
    case 0x8c:
      return 'The broker wants another way to log in (enhanced authentication), which the gateway does not speak.';
    case 0x95:
    case 0x97:
    case 0x9f:
      return 'A quota of the broker is used up, connections or their rate: look at its limits for this user.';
    case 0x9c:
    case 0x9d:
      return 'The broker has moved: mend broker.url.';
    default:
      return withoutWord(ending, broker, protocol);
  }
}

function wrongLogin({ username, password }: BrokerSettings): string {
  if (username === undefined) return 'The broker wants a login: set broker.username and broker.password.';
  if (password === undefined) return `The broker wants a password for "${username}": set broker.password.`;
  return `The password is wrong, or there is no user "${username}": check broker.username, broker.password and the file or variable it comes from.`;
}

function notAuthorized({ username, password, tls }: BrokerSettings, clientId: string): string {
  if (username === undefined && tls.cert === undefined)
    return wrongLogin({ username, password, tls } as BrokerSettings);
  if (username === undefined)
    return 'The broker does not let the client certificate’s user in: check its user mapping and ACL.';
  if (password === undefined) return wrongLogin({ username, password, tls } as BrokerSettings);
  return `Most likely the password for "${username}" is wrong: Mosquitto, for one, answers a wrong password so. Else the broker’s ACL does not let this user connect, or not as "${clientId}".`;
}

function spaces({ password = '' }: BrokerSettings): string {
  return /^\s|\s$/.test(password) ? ' The password begins or ends with white space: is that meant?' : '';
}

function withoutWord({ code, systemCode, errors }: Ending, { protocol }: BrokerSettings, tried: string): string {
  if (/ERR_SSL|ERR_TLS|EPROTO/.test(systemCode)) return 'The TLS layer broke: see the row TLS, and the broker’s log.';
  if (code !== 0) return 'The broker’s log says more.';
  if (errors.length > 0 && systemCode === '')
    return 'Something else than an MQTT broker listens there (its WebSocket or web port?): check the port in broker.url.';
  const version = protocol === 'auto' ? '' : ` a broker that does not speak MQTT ${tried} (set broker.protocol: auto),`;
  return `This is how a port that wants TLS or WebSockets answers,${version} a broker at its limit of connections, or one that knows a wrong login but says nothing: the broker’s log tells.`;
}

/** The connection was lost to an earlier check, and could not be had again. */
export function notConnected(ending: Ending): Verdict {
  return failed(
    `could not connect again: ${endingInWords(ending)}`,
    'Does the broker limit connections per minute, or ban clients that come back quickly?',
  );
}
