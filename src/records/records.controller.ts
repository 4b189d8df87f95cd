import { Controller, Get, Inject, Param, Query, SetMetadata } from '@nestjs/common';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { keyOf, type Fields } from './parameters.js';
import type { Page } from './list.js';
import { History } from './history.js';
import type { ShownRecord } from './records.js';
import { listOf, recordQuery } from './selection.js';

@Controller('v1/records')
export class RecordsController {
  constructor(@Inject(History) private readonly history: History) {}

  /** The journal, newest first. `from` and `to`: a position or a time. */
  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  list(@Query() query: Fields): Promise<Page<ShownRecord>> {
    const { filter, request } = listOf(query, recordQuery);
    return this.history.records.page(filter, request);
  }

  @Get(':position')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  one(@Param('position') position: string): ShownRecord {
    return this.history.records.one(keyOf(position));
  }
}
