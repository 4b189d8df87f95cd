import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { deadLetter, deadLetterReplay, deleted, ok, oneDeadLetter, page } from './answers.js';
import { History } from './history.js';
import type { DeadLetters, DeadLetterReplay } from './dead-letters.js';
import { key, keyOf, type Fields } from './parameters.js';
import {
  deadLetterFilter,
  listOf,
  listParameters,
  selectionBody,
  selectionOfBody,
  selectionOfQuery,
  selectionParameters,
} from './selection.js';

@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(@Inject(History) private readonly history: History) {}

  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'listDeadLetters',
    tag: 'dead letters',
    summary: 'Lists dead letters.',
    query: listParameters(deadLetterFilter),
    answers: ok('A page of them.', page('DeadLetters', deadLetter)),
  } satisfies Operation)
  list(@Query() query: Fields): ReturnType<DeadLetters['page']> {
    const { filter, request } = listOf(query, deadLetterFilter);
    return this.history.deadLetters.page(filter, request);
  }

  @Get(':number')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getDeadLetter',
    tag: 'dead letters',
    summary: 'One dead letter, with its record.',
    path: { number: key },
    answers: ok('The dead letter.', oneDeadLetter),
    problems: ['NOT_FOUND'],
  } satisfies Operation)
  one(@Param('number') number: string): ReturnType<DeadLetters['one']> {
    return this.history.deadLetters.one(keyOf(number));
  }

  @Delete()
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'deleteDeadLetters',
    tag: 'dead letters',
    summary: 'Gives dead letters up.',
    query: selectionParameters(deadLetterFilter),
    answers: ok('How many there were.', deleted),
    problems: ['JOURNAL_FULL', 'SHUTTING_DOWN'],
  } satisfies Operation)
  delete(@Query() query: Fields): ReturnType<DeadLetters['delete']> {
    return this.history.deadLetters.delete(selectionOfQuery(query, deadLetterFilter));
  }

  @Delete(':number')
  @HttpCode(204)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'deleteDeadLetter',
    tag: 'dead letters',
    summary: 'Gives one dead letter up.',
    path: { number: key },
    answers: { 204: { description: 'It is gone.' } },
    problems: ['NOT_FOUND', 'JOURNAL_FULL', 'SHUTTING_DOWN'],
  } satisfies Operation)
  deleteOne(@Param('number') number: string): Promise<void> {
    return this.history.deadLetters.deleteOne(keyOf(number));
  }

  @Post('replay')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'replayDeadLetters',
    tag: 'dead letters',
    summary: 'Gives dead letters to their subscribers again.',
    description: 'Through contract and filter of today. Name them, or select them; for everything say `all`.',
    body: { schema: selectionBody('numbers', deadLetterFilter).named('DeadLetterSelection') },
    answers: ok('What became of them.', deadLetterReplay),
    problems: ['JOURNAL_FULL', 'SHUTTING_DOWN'],
  } satisfies Operation)
  replay(@Body() body: unknown): Promise<DeadLetterReplay> {
    return this.history.deadLetters.replay(selectionOfBody(body, 'numbers', deadLetterFilter));
  }
}
