import { Body, Controller, Inject, Post, Req, Res, SetMetadata } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { declaredMediaType, UNKNOWN_TYPE } from '../domain/media-type.js';
import { percentEncoded, percentEncodedPair } from '../domain/percent.js';
import { invalid } from '../domain/request-problem.js';
import { OPERATION_METADATA } from '../domain/operation.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { requestOperation } from './publish.operations.js';
import { parseRequest } from './request.dto.js';
import { bodyOf, goneOf, refuseQuery, traced } from './request.js';
import { Requester, type Answered } from './requester.js';

/** Header lines of one answer, beside which proxies have room for their own. */
const HEADER_BYTES_MAX = 8_192;

@Controller('v1')
export class RequestController {
  constructor(@Inject(Requester) private readonly requester: Requester) {}

  /** 200 with the payload of the answer as the body; what else MQTT says of it is in the headers, as webhooks have them. */
  @Post('request')
  @SetMetadata(SCOPE_METADATA, 'publish' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, requestOperation)
  async request(
    @Body() body: unknown,
    @Req() request: FastifyRequest & CallerRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    refuseQuery(request);
    if (request.headers['idempotency-key'] !== undefined) {
      throw invalid([{ pointer: '', message: 'Idempotency-Key is for publishes: an answer is not kept' }]);
    }
    const { timeoutMsMax } = this.requester.timeouts;
    const { wanted, timeoutMs } = parseRequest(body, () => bodyOf(request).toString(), timeoutMsMax);
    const asker = { caller: request.caller, gone: goneOf(request.raw.socket) };
    const answer = await this.requester.request(traced(wanted, request), timeoutMs, asker);
    void reply.status(200).headers(headersOf(answer)).send(Buffer.from(answer.payload));
  }
}

function headersOf({ id, topic, qos, properties }: Answered): { [name: string]: string | string[] } {
  const { contentType, correlationData, userProperties = [] } = properties ?? {};
  const headers: { [name: string]: string | string[] } = {
    'content-type': declaredMediaType(contentType) ?? UNKNOWN_TYPE,
    'holdfast-publish-id': id,
    'mqtt-topic': percentEncoded(topic),
    'mqtt-qos': String(qos),
  };
  let bytes = 0;
  const fits = (value: string): boolean => (bytes += value.length) <= HEADER_BYTES_MAX;
  const add = (name: string, value: string): void => void (fits(value) && (headers[name] = value));
  if (contentType !== undefined) add('mqtt-content-type', percentEncoded(contentType));
  if (correlationData !== undefined) add('mqtt-correlation-data', correlationData);
  const pairs = userProperties.map(([name, value]) => percentEncodedPair(name, value));
  const first = pairs.findIndex((pair) => !fits(pair));
  if (first !== -1) headers['mqtt-user-property-truncated'] = 'true';
  const kept = first === -1 ? pairs : pairs.slice(0, first);
  return kept.length > 0 ? { ...headers, 'mqtt-user-property': kept } : headers;
}
