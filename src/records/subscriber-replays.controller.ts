import { Body, Controller, Delete, HttpCode, Inject, Param, Post, SetMetadata } from '@nestjs/common';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { Parameters } from './parameters.js';
import { History } from './history.js';
import type { ReplayAnswer, ReplayOrder } from './subscriber-replays.js';

@Controller('v1/subscribers/:id/replay')
export class SubscriberReplaysController {
  constructor(@Inject(History) private readonly history: History) {}

  /** 202: it goes on in the background, also after a restart. */
  @Post()
  @HttpCode(202)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  start(@Param('id') id: string, @Body() body: unknown): Promise<ReplayAnswer> {
    return this.history.replays.start(id, orderOf(body));
  }

  @Delete()
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  async cancel(@Param('id') id: string): Promise<{ cancelled: number }> {
    return { cancelled: await this.history.replays.cancel(id) };
  }
}

function orderOf(body: unknown): ReplayOrder {
  const parameters = Parameters.ofBody(body);
  const { from, to } = parameters.range();
  const topics = parameters.filters('topics');
  if (!parameters.has('from')) parameters.problem('from', 'must be there: a position from 1, or a time');
  parameters.done();
  return { from: from!, to, topics };
}
