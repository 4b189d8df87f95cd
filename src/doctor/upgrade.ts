/** The WebSocket upgrade, without MQTT in it: a proxy's answer says more than mqtt.js passes on. */
import { createHash, randomBytes } from 'node:crypto';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { BrokerSettings } from '../domain/settings.js';
import { tlsOptions, type BrokerAddress } from './address.js';
import { failed, ok, type Verdict } from './row.js';

const SUBPROTOCOL = 'mqtt'; // [MQTT-6.0.0-3]
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455, 4.2.2

export interface UpgradeAnswer {
  /** 101 when the server switched protocols. */
  status: number;
  subprotocol?: string;
  location?: string;
  /** Whether the key was answered as RFC 6455 asks. */
  keyAnswered: boolean;
}

export function upgrade(address: BrokerAddress, broker: BrokerSettings, signal: AbortSignal): Promise<Verdict> {
  const { host, port, path, secure } = address;
  const key = randomBytes(16).toString('base64');
  const headers = {
    ...broker.wsHeaders,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
    'sec-websocket-protocol': SUBPROTOCOL,
  };
  return new Promise((resolve) => {
    const request = (secure ? secureRequest : plainRequest)({
      ...{ host, port, path, headers, agent: false },
      ...tlsOptions(address, broker.tls),
    });
    const answered = (response: IncomingMessage): void => {
      resolve(judgeUpgrade(answerOf(response, key), path, Object.keys(broker.wsHeaders).length > 0));
      request.destroy();
      response.destroy();
    };
    request.once('upgrade', (response, socket) => {
      socket.on('error', () => undefined);
      socket.destroy();
      answered(response);
    });
    request.once('response', answered);
    request.on('error', (error: NodeJS.ErrnoException) => resolve(judgeUpgradeError(error.code ?? '', error.message)));
    signal.addEventListener('abort', () => request.destroy());
    request.end();
  });
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, key: string): UpgradeAnswer {
  const wanted = createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64');
  const { location } = headers;
  const subprotocol = headers['sec-websocket-protocol'];
  return {
    status: statusCode,
    keyAnswered: headers['sec-websocket-accept'] === wanted,
    ...(location === undefined ? {} : { location }),
    ...(subprotocol === undefined ? {} : { subprotocol }),
  };
}

/** Pure. */
export function judgeUpgrade(answer: UpgradeAnswer, path: string, ownHeaders: boolean): Verdict {
  const { status, subprotocol, location } = answer;
  if (status === 101) {
    if (!answer.keyAnswered) return failed('101, but not the key’s answer: a proxy or cache in between answers', CACHE);
    if (subprotocol === SUBPROTOCOL) return ok(`101 at ${path}, subprotocol ${SUBPROTOCOL}`);
    return failed(
      subprotocol === undefined
        ? `101 at ${path}, but without the subprotocol ${SUBPROTOCOL}`
        : `101 at ${path}, but with the subprotocol ${subprotocol} instead of ${SUBPROTOCOL}`,
      'What answers is a WebSocket server, but not an MQTT broker: mend the path in broker.url, or the proxy that drops Sec-WebSocket-Protocol.',
    );
  }
  const seen = `HTTP ${status} at ${path}${location === undefined ? '' : `, to ${location}`} instead of 101`;
  if (status === 401 || status === 403 || status === 407) {
    const headers = ownHeaders ? 'Check broker.wsHeaders' : 'Give what it asks for in broker.wsHeaders';
    return failed(seen, `${headers}: whoever answers wants a login before it lets MQTT through.`);
  }
  if (status >= 300 && status < 400)
    return failed(seen, 'Redirects are not followed: write the final address into broker.url.');
  if (status === 404)
    return failed(
      seen,
      'Mend the path in broker.url: /mqtt (EMQX, HiveMQ), /ws (RabbitMQ) and / (Mosquitto) are usual.',
    );
  if (status >= 500) return failed(seen, 'The proxy answers, but not the broker behind it: look there.');
  return failed(
    seen,
    'What listens there does not take WebSockets at this path: mend broker.url, or let the proxy pass Upgrade and Connection on.',
  );
}

const CACHE = 'Take the proxy out of the way, or let it pass WebSockets through untouched.';

function judgeUpgradeError(code: string, message: string): Verdict {
  if (code === 'ECONNRESET') {
    return failed(
      'the connection was closed instead of an answer',
      'Is this the broker’s WebSocket port (8083, 9001 and 15675 are usual)? Its plain MQTT port answers so.',
    );
  }
  if (code.startsWith('HPE_')) {
    return failed(
      `what listens there does not speak HTTP (${code})`,
      'Use the broker’s WebSocket port, or mqtt:// with this one.',
    );
  }
  return failed(
    `the upgrade failed: ${message}${code === '' ? '' : ` (${code})`}`,
    'Look at the broker and at any proxy in front of it.',
  );
}
