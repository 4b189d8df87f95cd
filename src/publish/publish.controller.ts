import { Body, Controller, Get, Inject, Param, Post, Query, Req, Res, SetMetadata } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { OPERATION_METADATA } from '../domain/operation.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { parseBatch } from './batch.js';
import type { Fields } from './emqx.js';
import { parsePublish } from './publish.dto.js';
import { batchOperation, publishOperation, rawOperation, statusOperation } from './publish.operations.js';
import { Publisher, type Asking, type PublishAnswer, type PublishView } from './publisher.js';
import { parseRaw } from './raw.js';
import { askedOnce, bodyOf, checkQueryEncoding, prefers, refuseQuery } from './request.js';

/** How an error looks within an answer. */
export abstract class Problems {
  abstract of(error: HoldfastError): object;
}

/** Of one publish of a batch: `problem` as it would have been answered alone. */
export type BatchItem = PublishAnswer | { status: 'failed'; problem: object };

@Controller('v1')
export class PublishController {
  constructor(
    @Inject(Publisher) private readonly publisher: Publisher,
    @Inject(Problems) private readonly problems: Problems,
  ) {}

  /** 200 once the broker acknowledged it, 202 when it is in the durable outbox and will be. */
  @Post('publish')
  @SetMetadata(SCOPE_METADATA, 'publish' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, publishOperation)
  async publish(
    @Body() body: unknown,
    @Req() request: FastifyRequest & CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PublishAnswer> {
    refuseQuery(request);
    const wanted = parsePublish(body, () => bodyOf(request).toString());
    return answered(await this.publisher.publish(wanted, askingOf(request)), reply);
  }

  /** The body's bytes are the payload. Answers as {@link publish}. */
  @Post('publish/raw')
  @SetMetadata(SCOPE_METADATA, 'publish' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, rawOperation)
  async raw(
    @Query() query: Fields,
    @Req() request: FastifyRequest & CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PublishAnswer> {
    checkQueryEncoding(request);
    const wanted = parseRaw(query, bodyOf(request), request.headers['content-type']);
    return answered(await this.publisher.publish(wanted, askingOf(request)), reply);
  }

  /** 200 when all are published, 202 when all are accepted, 207 when some are not. */
  @Post('publish/batch')
  @SetMetadata(SCOPE_METADATA, 'publish' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, batchOperation)
  async batch(
    @Body() body: unknown,
    @Req() request: FastifyRequest & CallerRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BatchItem[]> {
    refuseQuery(request);
    const wanted = parseBatch(body, () => bodyOf(request).toString(), this.publisher.batchMax);
    const answers = await this.publisher.publishAll(wanted, askingOf(request));
    const failed = answers.some((answer) => answer instanceof HoldfastError);
    const queued = answers.some((answer) => 'status' in answer && answer.status === 'queued');
    void reply.status(failed ? 207 : queued ? 202 : 200);
    return answers.map((answer) =>
      answer instanceof HoldfastError ? { status: 'failed', problem: this.problems.of(answer) } : answer,
    );
  }

  @Get('publishes/:id')
  @SetMetadata(SCOPE_METADATA, 'publish' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, statusOperation)
  status(@Param('id') id: string, @Req() request: CallerRequest): PublishView {
    return this.publisher.status(id, request.caller);
  }
}

function askingOf(request: FastifyRequest & CallerRequest): Asking {
  const { caller } = request;
  return { respondAsync: prefers(request, 'respond-async'), once: askedOnce(request), caller };
}

function answered(answer: PublishAnswer, reply: FastifyReply): PublishAnswer {
  void reply.status(answer.status === 'published' ? 200 : 202);
  return answer;
}
