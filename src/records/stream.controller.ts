import { Controller, Get, Inject, Query, Req, Res, SetMetadata } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { Parameters, type Fields } from './parameters.js';
import { History } from './history.js';

const HEADERS = {
  'content-type': 'text/event-stream',
  connection: 'close', // kept open after its end it would keep the gateway from stopping
  'x-accel-buffering': 'no', // a proxy that gathers would keep events back
};
/** Where no header can be set, the query has it, in any spelling. */
const LAST_EVENT_ID = 'lastEventId';

@Controller('v1/stream')
export class StreamController {
  constructor(@Inject(History) private readonly history: History) {}

  /** Server-Sent Events of the valid messages that match one of the `topic` filters; without one, of all devices'. */
  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  stream(@Query() query: Fields, @Req() request: FastifyRequest & CallerRequest, @Res() reply: FastifyReply): void {
    const header = request.headers['last-event-id'];
    const name = Object.keys(query).find((one) => /^last-?event-?id$/i.test(one)) ?? LAST_EVENT_ID;
    const parameters = new Parameters({ ...query, ...(header ? { [name]: header } : {}) });
    const filters = parameters.filters('topic') ?? ['#'];
    const after = parameters.whole(name, 0, Number.MAX_SAFE_INTEGER);
    parameters.done();
    if (request.method === 'HEAD') return void reply.headers(HEADERS).send();
    const { caller } = request;
    const refusal = this.history.streams.refusal(caller);
    if (refusal !== undefined) throw new HoldfastError('STREAMS_FULL', refusal);
    reply.hijack();
    reply.raw.writeHead(200, HEADERS);
    this.history.streams.open(reply.raw, { filters, after, caller });
  }
}
