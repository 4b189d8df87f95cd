import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Put,
  Query,
  Res,
  SetMetadata,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { invalid } from '../domain/request-problem.js';
import { OPERATION_METADATA } from '../domain/operation.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import type { SubscriberView } from './entry.js';
import type { TestResult } from './parts.js';
import { Registry } from './registry.js';
import * as operations from './subscribers.operations.js';

interface QueryParameters {
  [name: string]: unknown;
}

@Controller('v1/subscribers')
export class SubscribersController {
  constructor(@Inject(Registry) private readonly registry: Registry) {}

  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, operations.list)
  list(): { items: SubscriberView[] } {
    return { items: this.registry.list() };
  }

  @Get(':id')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, operations.get)
  get(@Param('id') id: string): SubscriberView {
    return this.registry.get(id);
  }

  /** 201 for one that is new, 200 for one that was changed; on disk by then. */
  @Put(':id')
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, operations.put)
  async put(
    @Param('id') id: string,
    @Body() body: unknown,
    @Query() query: QueryParameters,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SubscriberView> {
    const { created, subscriber } = await this.registry.put(id, body, discardOf(query));
    void reply.status(created ? 201 : 200);
    return subscriber;
  }

  @Delete(':id')
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, operations.remove)
  remove(@Param('id') id: string, @Query() query: QueryParameters): ReturnType<Registry['remove']> {
    return this.registry.remove(id, discardOf(query));
  }

  @Post(':id/pause')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, operations.pause)
  pause(@Param('id') id: string): Promise<SubscriberView> {
    return this.registry.pause(id);
  }

  @Post(':id/resume')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, operations.resume)
  resume(@Param('id') id: string): Promise<SubscriberView> {
    return this.registry.resume(id);
  }

  /** 200 whatever came of it: the answer says. */
  @Post(':id/test')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, operations.test)
  test(@Param('id') id: string): Promise<TestResult> {
    return this.registry.test(id);
  }
}

/** A parameter that is not known is refused: a misspelt one would be taken for the answer no. */
function discardOf(query: QueryParameters): boolean {
  for (const [name, value] of Object.entries(query)) {
    const pointer = `/${name}`;
    if (name !== 'discardBacklog') throw invalid([{ pointer, message: 'is not known here; there is discardBacklog' }]);
    if (value !== 'true' && value !== 'false') throw invalid([{ pointer, message: 'must be true or false' }]);
  }
  return query['discardBacklog'] === 'true';
}
