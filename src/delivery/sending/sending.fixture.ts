import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { MessageProperties } from '../../domain/message.js';
import type { Record } from '../../domain/record.js';
import { SUBSCRIBER_DEFAULTS, type SubscriberSettings } from '../../domain/subscriber.js';
import { HttpSender } from './http-sender.js';

export const NOW = Date.UTC(2026, 0, 31, 12, 0, 0, 500);
export const SECRET = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;
export const REPLY_BYTES_MAX = 100_000;
export const FIRST = { attempt: 1, replay: false };

export function settingsOf(url: string, changes: Partial<SubscriberSettings> = {}): SubscriberSettings {
  return { ...SUBSCRIBER_DEFAULTS, id: 'billing', url, topics: ['#'], timeoutMs: 5_000, ...changes };
}

export function recordOf(changes: Partial<Record> = {}): Record {
  return {
    position: 42,
    id: '019c13a0-0000-7000-8000-000000000001',
    topic: 'devices/7/telemetry',
    qos: 1,
    retain: false,
    receivedAt: NOW - 1_000,
    payload: Buffer.from('{"temperature":21.5}'),
    properties: null,
    ...changes,
  };
}

export function recordWith(properties: MessageProperties): Record {
  return recordOf({ properties });
}

/** A sender that is closed when the test ends. */
export function senderTo(test: TestContext, url: string, changes: Partial<SubscriberSettings> = {}): HttpSender {
  const clock = { now: () => NOW, monotonic: () => 0 };
  const sender = new HttpSender(settingsOf(url, changes), {
    source: 'urn:uuid:019c13a0-aaaa-7000-8000-000000000009',
    userAgent: 'holdfast/9.9.9',
    replyBytesMax: REPLY_BYTES_MAX,
    clock,
  });
  test.after(() => sender.close());
  return sender;
}

export interface Scripted {
  url: string;
  port: number;
  sockets: Socket[];
}

/** A TCP server that does what `script` says with each connection. */
export async function tcpServer(test: TestContext, script: (socket: Socket) => void): Promise<Scripted> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    script(socket);
  });
  const port = await listening(server);
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}/events`, port, sockets };
}

/** A TCP server that writes `answer` once a request has begun to arrive. */
export function answering(test: TestContext, answer: string): Promise<Scripted> {
  return tcpServer(test, (socket) => socket.once('data', () => socket.write(answer)));
}

export interface Received {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  rawHeaders: string[];
  body: Buffer;
  socket: Socket;
}

/** An HTTP server that keeps what it was sent and answers 204, or as `answer` says. */
export async function httpServer(
  test: TestContext,
  answer: (received: Received) => { status: number; headers?: { [name: string]: string }; body?: string } = () => ({
    status: 204,
  }),
): Promise<{ url: string; origin: string; received: Received[]; server: HttpServer }> {
  const received: Received[] = [];
  const server = createHttpServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders, socket } = request;
      const one = { method, path: url, headers, rawHeaders, socket, body: Buffer.concat(chunks) };
      received.push(one);
      const { status, headers: answerHeaders = {}, body } = answer(one);
      response.writeHead(status, answerHeaders).end(body);
    });
  });
  const port = await listening(server);
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}/events`, origin: `http://127.0.0.1:${port}`, received, server };
}

/** Resolves when the socket is closed, however it came to that. */
export function gone(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** The values of one header, in order, one for each line. */
export function valuesOf(lines: readonly string[], name: string): string[] {
  return lines.filter((_, i) => i % 2 === 1 && lines[i - 1]!.toLowerCase() === name);
}

function listening(server: Server | HttpServer): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
