import { Body, Controller, Get, Headers, Inject, Param, Post, Req, Res, SetMetadata } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { parsePublish } from './publish.dto.js';
import { Publisher, type PublishAnswer } from './publisher.js';

/** Taken in silence, the key would promise that a retry is not a second publish. */
const IDEMPOTENCY = 'Idempotency-Key is not supported yet by this version; leave it out, and a retry publishes again';

@Controller('v1')
export class PublishController {
  constructor(@Inject(Publisher) private readonly publisher: Publisher) {}

  /** 200 once the broker acknowledged it, 202 when it is in the durable outbox and will be. */
  @Post('publish')
  @SetMetadata(SCOPE_METADATA, 'publish' satisfies Scope)
  async publish(
    @Body() body: unknown,
    @Headers('prefer') prefer: string | undefined,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Req() { caller }: CallerRequest,
  ): Promise<PublishAnswer> {
    if (key !== undefined) throw new HoldfastError('REQUEST_INVALID', IDEMPOTENCY, { details: { errors: [] } });
    const answer = await this.publisher.publish(parsePublish(body), prefers(prefer, 'respond-async'), caller);
    void reply.status(answer.status === 'published' ? 200 : 202);
    return answer;
  }

  @Get('publishes/:id')
  @SetMetadata(SCOPE_METADATA, 'publish' satisfies Scope)
  status(@Param('id') id: string): ReturnType<Publisher['status']> {
    return this.publisher.status(id);
  }
}

/** Whether the `Prefer` header has this preference (RFC 7240: a list, in any case, each with parameters). */
function prefers(header: string | undefined, preference: string): boolean {
  return (header ?? '').split(',').some((one) => one.split(';')[0]!.trim().toLowerCase() === preference);
}
