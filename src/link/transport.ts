/** How each kind of address is reached: what mqtt.js and `ws` are told of TLS and of the WebSocket upgrade. */
import type { ClientRequest } from 'node:http';
import type { IClientOptions } from 'mqtt';

/** How far a WebSocket got, and what its other end said as it closed it. */
export interface WebSocketFacts {
  /** `upgrading`: the server is reached and has not agreed to speak MQTT; `open`: it has. */
  stage: 'connecting' | 'securing' | 'upgrading' | 'open';
  /** Of the close frame [RFC 6455, 7.4]; absent when none came. */
  closeCode?: number;
  closeReason?: string;
  /** The connection under it was ended as TCP is ended: most brokers do so without a close frame. */
  finished?: boolean;
  /** What the connection under it, while the WebSocket was open, broke with: `ws` keeps it to itself. */
  systemCode?: string;
}

export interface TransportTarget {
  url: string;
  tls: { ca?: string; cert?: string; key?: string; serverName?: string };
  wsHeaders: { [name: string]: string };
  maxPacketBytes: number;
}

/** What is used of a WebSocket of `ws`. */
interface OpeningWebSocket {
  on(event: 'open', listener: () => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
}

/** A peer that has said goodbye, or nonsense, and leaves the socket open must not hold the link for half a minute. */
const CLOSE_TIMEOUT_MS = 1_000;
/** The default of `ws`. A frame may carry many packets, so that it is no smaller than the largest packet allowed. */
const FRAME_BYTES_MAX = 100 * 2 ** 20;
/** No close frame came, or one without a code. */
const NO_CLOSE_CODE = new Set([1005, 1006]);

/** @param facts of the WebSocket, kept up to date by what is returned */
export function transportOptions(target: TransportTarget, facts: WebSocketFacts): IClientOptions {
  const { protocol } = new URL(target.url);
  return {
    // mqtt.js would take `?clientId=` of an address for the client id.
    query: {},
    // A certificate and key make mqtt.js speak TLS to any address, so that only those that are TLS are given them.
    ...(protocol === 'mqtts:' ? tlsOptions(target) : {}),
    ...(protocol === 'ws:' || protocol === 'wss:' ? webSocketOptions(target, facts) : {}),
  };
}

function tlsOptions({ tls: { ca, cert, key, serverName } }: TransportTarget): object {
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

function webSocketOptions(target: TransportTarget, facts: WebSocketFacts): IClientOptions {
  const secure = new URL(target.url).protocol === 'wss:';
  const wsOptions = {
    headers: target.wsHeaders,
    // mqtt.js hands some TLS options on to `ws`, the server's name is not among them.
    ...(secure ? tlsOptions(target) : {}),
    // Not offered: small packets gain nothing, and a broker could send a megabyte that unpacks to a gigabyte.
    perMessageDeflate: false,
    maxPayload: Math.max(FRAME_BYTES_MAX, 2 * target.maxPacketBytes),
    closeTimeout: CLOSE_TIMEOUT_MS,
    finishRequest: (request: ClientRequest, webSocket: OpeningWebSocket) => {
      follow(request, webSocket, secure ? 'secureConnect' : 'connect', facts);
      request.end();
    },
  };
  // mqtt.js builds the address anew, and leaves out the brackets of an IPv6 one.
  return { transformWsUrl: () => target.url, wsOptions };
}

/** `ws` hands its requests to {@link webSocketOptions}, which is the one way to see the WebSocket that mqtt.js hides. */
function follow(request: ClientRequest, webSocket: OpeningWebSocket, reached: string, facts: WebSocketFacts): void {
  request.once('socket', (socket) => {
    socket.once('connect', () => (facts.stage = 'securing'));
    socket.once(reached, () => (facts.stage = 'upgrading'));
    socket.once('end', () => (facts.finished = true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (facts.stage === 'open' && code !== undefined) facts.systemCode = code;
    });
  });
  webSocket.on('open', () => (facts.stage = 'open'));
  webSocket.on('close', (code, reason) => {
    if (NO_CLOSE_CODE.has(code)) return;
    facts.closeCode = code;
    if (reason.length > 0) facts.closeReason = reason.toString();
  });
}
