import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { deleted, ok, oneRejection, page, rejection, rejectionReplay } from './answers.js';
import { History } from './history.js';
import type { Rejections, RejectionReplay } from './rejections.js';
import { key, keyOf, type Fields } from './parameters.js';
import {
  listOf,
  listParameters,
  rejectionFilter,
  selectionBody,
  selectionOfBody,
  selectionOfQuery,
  selectionParameters,
} from './selection.js';

@Controller('v1/rejections')
export class RejectionsController {
  constructor(@Inject(History) private readonly history: History) {}

  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'listRejections',
    tag: 'rejections',
    summary: 'Lists rejections.',
    query: listParameters(rejectionFilter),
    answers: ok('A page of them.', page('Rejections', rejection)),
  } satisfies Operation)
  list(@Query() query: Fields): ReturnType<Rejections['page']> {
    const { filter, request } = listOf(query, rejectionFilter);
    return this.history.rejections.page(filter, request);
  }

  @Get(':position')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getRejection',
    tag: 'rejections',
    summary: 'One rejection, with its record.',
    path: { position: key },
    answers: ok('The rejection.', oneRejection),
    problems: ['NOT_FOUND'],
  } satisfies Operation)
  one(@Param('position') position: string): ReturnType<Rejections['one']> {
    return this.history.rejections.one(keyOf(position));
  }

  @Delete()
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'deleteRejections',
    tag: 'rejections',
    summary: 'Gives rejections up.',
    query: selectionParameters(rejectionFilter),
    answers: ok('How many there were.', deleted),
    problems: ['JOURNAL_FULL', 'SHUTTING_DOWN'],
  } satisfies Operation)
  delete(@Query() query: Fields): ReturnType<Rejections['delete']> {
    return this.history.rejections.delete(selectionOfQuery(query, rejectionFilter));
  }

  @Delete(':position')
  @HttpCode(204)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'deleteRejection',
    tag: 'rejections',
    summary: 'Gives one rejection up.',
    path: { position: key },
    answers: { 204: { description: 'It is gone.' } },
    problems: ['NOT_FOUND', 'JOURNAL_FULL', 'SHUTTING_DOWN'],
  } satisfies Operation)
  deleteOne(@Param('position') position: string): Promise<void> {
    return this.history.rejections.deleteOne(keyOf(position));
  }

  @Post('replay')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'replayRejections',
    tag: 'rejections',
    summary: 'Checks rejections again.',
    description:
      'They come in anew, under new positions and their old ids. Name them, or select them; for everything say `all`.',
    body: { schema: selectionBody('positions', rejectionFilter).named('RejectionSelection') },
    answers: ok('What became of them.', rejectionReplay),
    problems: ['JOURNAL_FULL', 'SHUTTING_DOWN'],
  } satisfies Operation)
  replay(@Body() body: unknown): Promise<RejectionReplay> {
    return this.history.rejections.replay(selectionOfBody(body, 'positions', rejectionFilter));
  }
}
