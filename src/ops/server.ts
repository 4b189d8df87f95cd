import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HoldfastError } from '../domain/errors.js';
import { InHand } from '../domain/in-hand.js';
import { probe, type HealthFacts, type HealthLimits, type Probe } from './health.js';
import { openMetricsOf, prefersOpenMetrics } from './open-metrics.js';

/** A scrape does not wait longer for a thread that is stalled; its last figures stand in. */
const SOURCE_WAIT_MS = 500;
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 256;
/** Requests of one connection. Nobody sends ahead here; the last answer may seem unfinished when the next request comes. */
const IN_HAND_MAX = 2;

/**
 * Where one thread's metrics come from, as Prometheus text. @param exemplars its histograms' buckets may have them, as
 * OpenMetrics writes them
 */
export type MetricsSource = (exemplars: boolean) => Promise<string>;

type Format = 'plain' | 'openMetrics';

const CONTENT_TYPES: { [format in Format]: string } = {
  plain: 'text/plain; version=0.0.4; charset=utf-8',
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** Probes and metrics. Lives in the link thread, so that no stall elsewhere silences it. */
export class OpsServer {
  readonly #server: Server;
  readonly #sources: { read: MetricsSource; last: { [format in Format]: string } }[] = [];
  readonly #scrapes = new Map<Format, Promise<string>>();

  constructor(
    private readonly facts: () => HealthFacts,
    private readonly limits: HealthLimits,
    /** Whether who prefers OpenMetrics gets it: with one wrong line there Prometheus would take nothing at all. */
    private readonly offers: { openMetrics: boolean } = { openMetrics: false },
  ) {
    const inHand = new InHand(IN_HAND_MAX);
    this.#server = createServer((request, response) => {
      if (!inHand.take(request.socket, response)) return;
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server.requestTimeout = REQUEST_TIMEOUT_MS;
    this.#server.headersTimeout = REQUEST_TIMEOUT_MS;
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  addMetrics(read: MetricsSource): void {
    this.#sources.push({ read, last: { plain: '', openMetrics: '' } });
  }

  /** @returns the port it listens on. Rejects with the system's error when it cannot. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(new HoldfastError('LISTEN_FAILED', `ops: ${error.message}`, { cause: error })),
      );
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query] = (request.url ?? '').split('?', 2);
    const plain = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD'); // [RFC 9110, 15.5.6]
      return plain(405, 'only GET and HEAD\n');
    }
    const name = path.slice(1);
    if (name === 'metrics') {
      const format = this.offers.openMetrics && prefersOpenMetrics(request.headers.accept) ? 'openMetrics' : 'plain';
      return plain(200, await this.#metrics(format), CONTENT_TYPES[format]);
    }
    if (name !== 'startupz' && name !== 'livez' && name !== 'readyz') {
      return plain(404, 'here are /metrics, /startupz, /livez and /readyz\n');
    }
    const { ok, parts } = probe(name satisfies Probe, this.facts(), this.limits);
    const lines = parts.map(
      (part) => `[${part.ok ? '+' : '-'}] ${part.name}: ${part.detail}${part.required ? '' : ' (not required)'}`,
    );
    const verbose = new URLSearchParams(query).has('verbose') || !ok;
    plain(ok ? 200 : 503, verbose ? `${lines.join('\n')}\n${name} ${ok ? 'ok' : 'failed'}\n` : 'ok\n');
  }

  /** Who asks meanwhile is answered the same. */
  #metrics(format: Format): Promise<string> {
    const running = this.#scrapes.get(format);
    if (running) return running;
    const scrape = this.#gather(format).finally(() => this.#scrapes.delete(format));
    this.#scrapes.set(format, scrape);
    return scrape;
  }

  async #gather(format: Format): Promise<string> {
    const texts = await Promise.all(
      this.#sources.map(async (source) => {
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<undefined>(
          (resolve) => (timer = setTimeout(() => resolve(undefined), SOURCE_WAIT_MS)),
        );
        const text = await Promise.race([figuresOf(source.read, format === 'openMetrics'), late]);
        clearTimeout(timer);
        return (source.last[format] = text ?? source.last[format]);
      }),
    );
    const text = texts.filter((one) => one !== '').join('\n');
    return format === 'plain' ? text : openMetricsOf(text);
  }
}

/** undefined when there are none now. */
async function figuresOf(read: MetricsSource, exemplars: boolean): Promise<string | undefined> {
  try {
    return await read(exemplars);
  } catch {
    return undefined;
  }
}
