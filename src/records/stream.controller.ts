import { Controller, Get, Inject, Query, Req, Res, SetMetadata } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { EVENT_STREAM_HEADERS } from '../domain/event-stream.js';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { text } from '../domain/schema.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { filters, Parameters, whole, type Fields } from './parameters.js';
import { History } from './history.js';

/** Where no header can be set, the query has it, in any spelling. */
const LAST_EVENT_ID = 'lastEventId';

const position = whole(0, Number.MAX_SAFE_INTEGER).says('The last position that was received: it goes on after it.');
const topic = filters.says('Topic filters; one of them must match. Default: `#`.');

@Controller('v1/stream')
export class StreamController {
  constructor(@Inject(History) private readonly history: History) {}

  /** Server-Sent Events of the valid messages that match one of the `topic` filters; without one, of all devices'. */
  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'stream',
    tag: 'records',
    summary: 'Valid messages as they come, as Server-Sent Events.',
    description:
      'Each event has the position as its `id` and a `Record` as JSON in `data`. An event `gap` has `{from, through, reason}`: what retention dropped before it could be sent.',
    query: { topic, [LAST_EVENT_ID]: position },
    headers: { 'Last-Event-ID': position },
    answers: {
      200: { description: 'Goes on until it is closed.', content: { media: 'text/event-stream', schema: text } },
    },
    problems: ['STREAMS_FULL'],
  } satisfies Operation)
  stream(@Query() query: Fields, @Req() request: FastifyRequest & CallerRequest, @Res() reply: FastifyReply): void {
    const header = request.headers['last-event-id'];
    const name = Object.keys(query).find((one) => /^last-?event-?id$/i.test(one)) ?? LAST_EVENT_ID;
    const fields = { ...query, ...(header ? { [name]: header } : {}) };
    const parameters = new Parameters({ topic, [name]: position }, fields);
    parameters.done();
    const { topic: wanted = ['#'], [name]: after } = parameters.values as { topic?: string[]; [name: string]: unknown };
    if (request.method === 'HEAD') {
      reply.hijack(); // the framework would say how long it is
      return void reply.raw.writeHead(200, EVENT_STREAM_HEADERS).end();
    }
    const { caller } = request;
    const refusal = this.history.streams.refusal(caller);
    if (refusal !== undefined) throw new HoldfastError('STREAMS_FULL', refusal);
    reply.hijack();
    reply.raw.writeHead(200, EVENT_STREAM_HEADERS);
    this.history.streams.open(reply.raw, { filters: wanted, after: after as number | undefined, caller });
  }
}
