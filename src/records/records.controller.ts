import { Controller, Get, Inject, Param, Query, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { ok, page, shownRecord } from './answers.js';
import { key, keyOf, type Fields } from './parameters.js';
import type { Page } from './list.js';
import { History } from './history.js';
import type { ShownRecord } from './records.js';
import { listOf, listParameters, recordQuery } from './selection.js';

@Controller('v1/records')
export class RecordsController {
  constructor(@Inject(History) private readonly history: History) {}

  /** The journal, newest first. `from` and `to`: a position or a time. */
  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'listRecords',
    tag: 'records',
    summary: 'Lists records of the journal.',
    description: 'A page ends early when its payloads have 1 MiB.',
    query: listParameters(recordQuery),
    answers: ok('A page of them.', page('Records', shownRecord)),
  } satisfies Operation)
  list(@Query() query: Fields): Promise<Page<ShownRecord>> {
    const { filter, request } = listOf(query, recordQuery);
    return this.history.records.page(filter, request);
  }

  @Get(':position')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getRecord',
    tag: 'records',
    summary: 'One record.',
    path: { position: key },
    answers: ok('The record.', shownRecord),
    problems: ['NOT_FOUND'],
  } satisfies Operation)
  one(@Param('position') position: string): ShownRecord {
    return this.history.records.one(keyOf(position));
  }
}
