/** A collector that keeps what it is given: OTLP over HTTP, as JSON. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface SpanSeen {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  links?: { traceId: string; spanId: string }[];
  status: { code?: number; message?: string };
  attributes: { key: string; value: { stringValue?: string; intValue?: number | string; boolValue?: boolean } }[];
}

interface Exported {
  resourceSpans: { resource: { attributes: SpanSeen['attributes'] }; scopeSpans: { spans: SpanSeen[] }[] }[];
}

export class OtlpReceiver {
  readonly spans: SpanSeen[] = [];
  readonly resources: SpanSeen['attributes'][] = [];
  readonly headers: NodeJS.Dict<string | string[]>[] = [];
  /** What it answers; 0: nothing, ever. */
  status = 200;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.headers.push(request.headers);
        if (this.status === 200) this.#take(JSON.parse(Buffer.concat(chunks).toString()) as Exported);
        if (this.status > 0) response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}');
      });
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Those of a trace, by when they began. */
  trace(traceId: string): SpanSeen[] {
    const spans = this.spans.filter((span) => span.traceId === traceId);
    return spans.sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #take({ resourceSpans }: Exported): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resources.push(resource.attributes);
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
  }
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const receiver = new OtlpReceiver();
  await receiver.start();
  return receiver;
}

export function attributeOf({ attributes }: SpanSeen, name: string): string | undefined {
  const { value } = attributes.find(({ key }) => key === name) ?? {};
  const found = value?.stringValue ?? value?.intValue ?? value?.boolValue;
  return found === undefined ? undefined : String(found);
}
