import type { AttemptContext, Outcome, Sender } from '../../domain/attempt.js';
import type { Clock } from '../../domain/clock.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Record } from '../../domain/record.js';
import type { SubscriberSettings } from '../../domain/subscriber.js';
import { outcomeOf, outcomeOfError, retryAfterMsOf } from './answers.js';
import { batchBody, batchId } from './batch-body.js';
import { outcomeOfDapr } from './dapr.js';
import { Connections, type SharedConnections } from './connections.js';
import { DetailText } from './detail.js';
import { ANSWER_BYTES_MAX, type Answer, type KeptMax } from './exchange.js';
import { MessageHeaders } from './formats.js';
import type { Guard } from './guard.js';
import { Lane, type LaneOptions } from './lane.js';
import { percentDecoded } from '../../domain/percent.js';
import { Signer } from './signature.js';
import { structuredEvent } from './structured.js';
import { connectorOf } from './tls.js';

const REPLY_BYTES_MAX = 256 * 1024;

export interface HttpSenderOptions {
  /** Names the journal, in `ce-source`. */
  source: string;
  userAgent: string;
  clock: Clock;
  /** The longest reply that can be published, in bytes. Default 256 KiB. */
  replyBytesMax?: number;
  /** What may be connected to; absent: everything. */
  guard?: Guard;
  /** Shared with other subscribers that have this guard and no TLS settings of their own. Absent: its own. */
  connections?: SharedConnections | undefined;
  /** The type of every event. Default: `mqtt.message`. */
  type?: string;
  /** Told the status of each answer. */
  answered?: (status: number) => void;
}

/**
 * Delivers records to one webhook URL. Each attempt in flight has a connection to itself, and there is no bound on them
 * but the subscriber's own, so that a slow subscriber takes none from another. `send` never rejects, and resolves within the subscriber's timeout. With `payload: json`
 * the payloads it is given are JSON already.
 */
export class HttpSender implements Sender {
  readonly #target: LaneOptions;
  readonly #configured: string[];
  readonly #structured: boolean;
  readonly #message: MessageHeaders;
  readonly #signer: Signer;
  readonly #detail: DetailText;
  /** How much is kept of an answer, and of one that may be a reply. */
  readonly #keptMax: KeptMax;
  readonly #keptMaxOfReply: KeptMax;
  readonly #lanes: Lane[] = [];
  readonly #idle: Lane[] = [];
  readonly #watched = new WeakSet<AbortSignal>();
  #closing: Promise<unknown> | undefined;

  /** @throws HoldfastError CONFIG_INVALID when the URL, a signing secret, a certificate or a key cannot be used */
  constructor(
    private readonly settings: SubscriberSettings,
    private readonly options: HttpSenderOptions,
  ) {
    const url = webhookUrl(settings);
    const configured = headersOf(settings, url, options.userAgent);
    this.#configured = [...configured].flat();
    this.#structured = settings.format === 'cloudevents-structured';
    this.#message = new MessageHeaders(settings, options.source, new Set(configured.keys()), options.type);
    this.#signer = new Signer(settings.signing.secrets);
    this.#detail = new DetailText(settings);
    const failureBytes = this.#detail.keptBytesMax;
    this.#keptMax = { successBytes: settings.answers === 'dapr' ? ANSWER_BYTES_MAX : 0, failureBytes };
    // One byte more: it shows that a reply is too long to be published.
    this.#keptMaxOfReply = { successBytes: (options.replyBytesMax ?? REPLY_BYTES_MAX) + 1, failureBytes };
    const { timeoutMs: wholeMs, connectTimeoutMs, headersTimeoutMs } = settings;
    const own = (): Connections => new Connections(url.origin, connectorOf(settings, url, options.guard));
    const connections = (!settings.tls && options.connections?.to(url.origin, own)) || own();
    this.#target = {
      path: url.pathname + url.search,
      connections: connections.join(),
      timeouts: {
        connectMs: Math.min(connectTimeoutMs, wholeMs),
        headersMs: Math.min(headersTimeoutMs, wholeMs),
        wholeMs,
      },
    };
  }

  send(record: Record, context: AttemptContext): Promise<Outcome> {
    return this.#send(record, context);
  }

  sendBatch(records: readonly Record[], context: AttemptContext): Promise<Outcome> {
    return this.#send(records, context);
  }

  async #send(sent: Record | readonly Record[], context: AttemptContext): Promise<Outcome> {
    if (this.#closing) return outcomeOfError(undefined, 'the sender is closed');
    if (context.signal?.aborted) return outcomeOfError(undefined, 'aborted');
    const lane = this.#idle.pop() ?? this.#open();
    // A caller that breaks its bound loses no record and takes no socket more.
    if (!lane) return { kind: 'throttled', reason: 'refused', status: 0, detail: 'every connection is in use' };
    try {
      lane.signal = context.signal;
      if (context.signal) this.#watch(context.signal);
      const body = this.#bodyOf(sent, context);
      const wantsReply = this.settings.reply && !isBatch(sent) && sent.properties?.responseTopic !== undefined;
      const keptMax = wantsReply ? this.#keptMaxOfReply : this.#keptMax;
      const answer = await lane.exchange(this.#headersOf(sent, body, context), body, keptMax);
      this.options.answered?.(answer.status);
      return answer.status >= 200 && answer.status < 300
        ? this.#outcomeOfSuccess(answer, wantsReply)
        : this.#outcomeOf(answer);
    } catch (error) {
      return outcomeOfError(error, this.#detail.of(textOf(error)));
    } finally {
      this.#idle.push(lane);
    }
  }

  /** Attempts in flight end first, within the timeout; later ones are refused with an outcome. */
  async close(): Promise<void> {
    this.#closing ??= Promise.all(this.#lanes.map((lane) => lane.close())).then(() => this.#target.connections.leave());
    await this.#closing;
  }

  #open(): Lane | undefined {
    if (this.#lanes.length >= this.settings.concurrency) return undefined;
    const lane = new Lane(this.#target);
    this.#lanes.push(lane);
    return lane;
  }

  #bodyOf(sent: Record | readonly Record[], { parametersOf }: AttemptContext): Uint8Array {
    const { source, type } = this.options;
    const options = { source, type, parametersOf, decoded: this.settings.payload === 'json' };
    if (isBatch(sent)) return batchBody(sent, options);
    return this.#structured ? structuredEvent(sent, options) : sent.payload;
  }

  #headersOf(sent: Record | readonly Record[], body: Uint8Array, context: AttemptContext): string[] {
    const { attempt, replay, parametersOf, traceparent } = context;
    const timestamp = Math.floor(this.options.clock.now() / 1_000);
    const batch = isBatch(sent);
    const id = batch ? batchId(sent) : sent.id;
    const headers = batch ? this.#message.ofBatch(traceparent) : this.#message.of(sent, parametersOf, traceparent);
    headers.push('webhook-id', id, 'webhook-timestamp', `${timestamp}`, 'holdfast-attempt', `${attempt}`);
    const signature = this.#signer.sign(id, timestamp, body);
    if (signature !== undefined) headers.push('webhook-signature', signature);
    if (replay) headers.push('holdfast-replay', 'true');
    for (const part of this.#configured) headers.push(part);
    return headers;
  }

  #outcomeOfSuccess({ status, contentType, body, cut }: Answer, wantsReply: boolean): Outcome {
    if (this.settings.answers === 'dapr') return outcomeOfDapr(status, body, cut, () => this.#detail.ofBody(body, cut));
    if (!wantsReply || status !== 200 || body.length === 0) return { kind: 'delivered' };
    return { kind: 'delivered', reply: { body, ...(contentType === undefined ? {} : { contentType }) } };
  }

  #outcomeOf({ status, retryAfter, location, body, cut }: Answer): Outcome {
    const text = this.#detail.ofBody(body, cut);
    const detail = location === undefined ? text : this.#detail.of(`to ${location}: ${text}`);
    return outcomeOf(status, retryAfterMsOf(retryAfter, this.options.clock.now()), detail);
  }

  /** One listener for each signal, however many attempts share it. */
  #watch(signal: AbortSignal): void {
    if (this.#watched.has(signal)) return;
    this.#watched.add(signal);
    const abort = (): void => {
      for (const lane of this.#lanes) if (lane.signal === signal) lane.abort(new Error('aborted'));
    };
    signal.addEventListener('abort', abort, { once: true });
  }
}

function isBatch(sent: Record | readonly Record[]): sent is readonly Record[] {
  return Array.isArray(sent);
}

function webhookUrl({ id, url }: SubscriberSettings): URL {
  const parsed = url === undefined ? null : URL.parse(url);
  if (parsed && /^https?:$/.test(parsed.protocol)) return parsed;
  throw new HoldfastError('CONFIG_INVALID', `the subscriber ${id} has no http or https URL`);
}

/** What is sent with every attempt, by lower-case name. The subscriber's own headers win. */
function headersOf({ headers, auth }: SubscriberSettings, url: URL, userAgent: string): Map<string, string> {
  const all = new Map([['user-agent', userAgent]]);
  if (auth && 'bearer' in auth) all.set('authorization', `Bearer ${auth.bearer}`);
  else if (auth) all.set('authorization', basic(auth.basic.username, auth.basic.password));
  else if (url.username !== '' || url.password !== '') {
    all.set('authorization', basic(percentDecoded(url.username), percentDecoded(url.password)));
  }
  for (const [name, value] of Object.entries(headers)) all.set(name.toLowerCase(), value);
  return all;
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  return message === '' ? error.name : message;
}
