import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, SetMetadata } from '@nestjs/common';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { History } from './history.js';
import type { Rejections, RejectionReplay } from './rejections.js';
import { keyOf, type Fields } from './parameters.js';
import { rejectionFilter, listOf, selectionOfBody, selectionOfQuery } from './selection.js';

@Controller('v1/rejections')
export class RejectionsController {
  constructor(@Inject(History) private readonly history: History) {}

  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  list(@Query() query: Fields): ReturnType<Rejections['page']> {
    const { filter, request } = listOf(query, rejectionFilter);
    return this.history.rejections.page(filter, request);
  }

  @Get(':position')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  one(@Param('position') position: string): ReturnType<Rejections['one']> {
    return this.history.rejections.one(keyOf(position));
  }

  @Delete()
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  delete(@Query() query: Fields): ReturnType<Rejections['delete']> {
    return this.history.rejections.delete(selectionOfQuery(query, rejectionFilter));
  }

  @Post('replay')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  replay(@Body() body: unknown): Promise<RejectionReplay> {
    return this.history.rejections.replay(selectionOfBody(body, 'positions', rejectionFilter));
  }
}
