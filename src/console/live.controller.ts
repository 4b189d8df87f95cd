import { Controller, Get, Inject, Req, Res, SetMetadata } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { EVENT_STREAM_HEADERS } from '../domain/event-stream.js';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { optional, text } from '../domain/schema.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { LiveFeed } from './live.js';

@Controller('v1/live')
export class LiveController {
  constructor(@Inject(LiveFeed) private readonly live: LiveFeed) {}

  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'live',
    tag: 'gateway',
    summary: 'What happens to the gateway, as Server-Sent Events.',
    description:
      'An event `status` has what `GET /v1/status` answers, at once and every two seconds; `told` is one thing that happened. `missed`: what `Last-Event-ID` asks for is no longer kept.',
    headers: {
      'Last-Event-ID': optional(text.says('As the last event had it, or `0` for all that is kept: the last 500.')),
    },
    answers: {
      200: { description: 'Goes on until it is closed.', content: { media: 'text/event-stream', schema: text } },
    },
    problems: ['STREAMS_FULL'],
  } satisfies Operation)
  stream(@Req() request: FastifyRequest & CallerRequest, @Res() reply: FastifyReply): void {
    const { caller, headers, method } = request;
    const refusal = method === 'HEAD' ? undefined : this.live.refusal(caller);
    if (refusal !== undefined) throw new HoldfastError('STREAMS_FULL', refusal);
    reply.hijack(); // the framework would say how long it is
    reply.raw.writeHead(200, EVENT_STREAM_HEADERS);
    if (method === 'HEAD') reply.raw.end();
    else this.live.open(reply.raw, headers['last-event-id']?.toString(), caller);
  }
}
