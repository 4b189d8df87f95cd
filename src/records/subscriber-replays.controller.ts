import { Body, Controller, Delete, HttpCode, Inject, Param, Post, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { count, object, objectKeywords, Schema, text } from '../domain/schema.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { ok, replayAnswer } from './answers.js';
import { History } from './history.js';
import { checkRange, filters, Parameters, range } from './parameters.js';
import type { ReplayAnswer, ReplayOrder } from './subscriber-replays.js';

const fields = { ...range, topics: filters.says('Topic filters besides its own; one of them must match.') };
const order = new Schema<object>({
  ...objectKeywords(fields),
  required: ['from'],
  additionalProperties: false,
}).named('ReplayOrder');
const path = { id: text.says('Of the subscriber.') };

@Controller('v1/subscribers/:id/replay')
export class SubscriberReplaysController {
  constructor(@Inject(History) private readonly history: History) {}

  /** 202: it goes on in the background, also after a restart. */
  @Post()
  @HttpCode(202)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'startReplay',
    tag: 'subscribers',
    summary: 'Gives a subscriber a range of the journal again.',
    description: 'It goes on in the background, also after a restart, beside what is new.',
    path,
    body: { schema: order },
    answers: { 202: { description: 'It is under way, or waits for its turn.', content: { schema: replayAnswer } } },
    problems: ['NOT_FOUND', 'SUBSCRIBER_ABSENT', 'REPLAY_EMPTY', 'REPLAYS_FULL', 'JOURNAL_FULL', 'SHUTTING_DOWN'],
  } satisfies Operation)
  start(@Param('id') id: string, @Body() body: unknown): Promise<ReplayAnswer> {
    return this.history.replays.start(id, orderOf(body));
  }

  @Delete()
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'cancelReplays',
    tag: 'subscribers',
    summary: 'Ends the replays of a subscriber.',
    path,
    answers: ok(
      'How many were under way or waited.',
      object<{ cancelled: number }>({ cancelled: count }).named('Cancelled'),
    ),
    problems: ['NOT_FOUND', 'JOURNAL_FULL', 'SHUTTING_DOWN'],
  } satisfies Operation)
  async cancel(@Param('id') id: string): Promise<{ cancelled: number }> {
    return { cancelled: await this.history.replays.cancel(id) };
  }
}

function orderOf(body: unknown): ReplayOrder {
  const parameters = Parameters.ofBody(fields, body);
  checkRange(parameters);
  if (!parameters.has('from')) parameters.problem('from', 'must be there: a position from 1, or a time');
  parameters.done();
  const { from, to, topics } = parameters.values;
  return { from: from!, to, topics };
}
