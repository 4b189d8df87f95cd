import { Inject, Injectable } from '@nestjs/common';
import type { LinkStatus } from '../domain/link.js';
import {
  parsePublish,
  parseRequest,
  type Answered,
  type Publisher,
  type PublishAnswer,
  type PublishView,
} from '../publish/index.js';
import type { SubscriberView } from '../registration/index.js';
import { EmbeddedGateway } from './embedded-gateway.js';

/** As the body of `POST /v1/publish`, and the payload may be bytes. */
export interface PublishMessage {
  /** `publish.allow` must have a filter that matches it. */
  topic: string;
  /** Bytes and text as they are; any other value as JSON. */
  payload: unknown;
  /** Default 1. QoS 0 is refused while the link is down. */
  qos?: 0 | 1;
  /** Default false. */
  retain?: boolean;
  contentType?: string;
  /** Seconds the broker may keep it for absent subscribers. */
  expirySeconds?: number;
  responseTopic?: string;
  /** Base64. */
  correlationData?: string;
  userProperties?: { [name: string]: string | string[] };
}

/** The gateway inside this app, as its providers and controllers see it. */
@Injectable()
export class Holdfast {
  constructor(@Inject(EmbeddedGateway) private readonly gateway: EmbeddedGateway) {}

  /**
   * Publishes through the durable outbox. `published`: the broker has it; `queued`: it is on disk and will be sent,
   * because the link is down, `publish.wait` is over, or nobody wants to wait.
   * @param options.wait false: do not wait for the broker. Default true
   * @throws HoldfastError with the codes of `POST /v1/publish`; NOT_STARTED before the app has started
   */
  async publish(message: PublishMessage, { wait = true }: { wait?: boolean } = {}): Promise<PublishAnswer> {
    return (await this.#publisher()).publish(parsePublish(bodyOf(message)), { respondAsync: !wait });
  }

  /**
   * Publishes a request and waits for its answer, as `POST /v1/request`. The response topic is the gateway's to choose.
   * @param options.timeoutSeconds default `publish.request.timeout`, at most `publish.request.maxTimeout`
   * @throws HoldfastError with the codes of `POST /v1/request`; RESPONSE_TIMEOUT when nobody answers in time
   */
  async request(
    message: Omit<PublishMessage, 'responseTopic'>,
    { timeoutSeconds }: { timeoutSeconds?: number } = {},
  ): Promise<Answered> {
    const requester = (await this.gateway.running()).requester!;
    const body = { ...bodyOf(message), timeoutSeconds };
    const { wanted, timeoutMs } = parseRequest(body, undefined, requester.timeouts.timeoutMsMax);
    return requester.request(wanted, timeoutMs);
  }

  /** Where an accepted publish stands, as `GET /v1/publishes/{id}`. @throws HoldfastError NOT_FOUND */
  async publishStatus(id: string): Promise<PublishView> {
    return (await this.#publisher()).status(id);
  }

  /** The connection to the broker, as `GET /v1/link`; undefined before the first connect. */
  async link(): Promise<LinkStatus | undefined> {
    return (await this.gateway.running()).view().link();
  }

  /** How every webhook and handler stands, as `GET /v1/subscribers`. */
  async subscribers(): Promise<SubscriberView[]> {
    return (await this.gateway.running()).registry!.list();
  }

  async #publisher(): Promise<Publisher> {
    return (await this.gateway.running()).publisher!;
  }
}

function bodyOf(message: PublishMessage): object {
  const { payload, ...rest } = message;
  if (!(payload instanceof Uint8Array)) return message;
  const { buffer, byteOffset, byteLength } = payload;
  return { ...rest, payloadBase64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
}
