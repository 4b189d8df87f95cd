import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, SetMetadata } from '@nestjs/common';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { History } from './history.js';
import type { DeadLetters, DeadLetterReplay } from './dead-letters.js';
import { keyOf, type Fields } from './parameters.js';
import { deadLetterFilter, listOf, selectionOfBody, selectionOfQuery } from './selection.js';

@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(@Inject(History) private readonly history: History) {}

  @Get()
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  list(@Query() query: Fields): ReturnType<DeadLetters['page']> {
    const { filter, request } = listOf(query, deadLetterFilter);
    return this.history.deadLetters.page(filter, request);
  }

  @Get(':number')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  one(@Param('number') number: string): ReturnType<DeadLetters['one']> {
    return this.history.deadLetters.one(keyOf(number));
  }

  @Delete()
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  delete(@Query() query: Fields): ReturnType<DeadLetters['delete']> {
    return this.history.deadLetters.delete(selectionOfQuery(query, deadLetterFilter));
  }

  @Post('replay')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  replay(@Body() body: unknown): Promise<DeadLetterReplay> {
    return this.history.deadLetters.replay(selectionOfBody(body, 'numbers', deadLetterFilter));
  }
}
