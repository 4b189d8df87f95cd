import { Controller, Get, Inject, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { Schema } from '../domain/schema.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';

/** What is in force, as an AsyncAPI document. */
export abstract class AsyncApiView {
  abstract asyncApi(): object;
}

const asyncApi = new Schema<object>({ type: 'object', required: ['asyncapi', 'info'] });

@Controller()
export class AsyncApiController {
  constructor(@Inject(AsyncApiView) private readonly view: AsyncApiView) {}

  @Get('asyncapi.json')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getAsyncApi',
    tag: 'gateway',
    summary: 'The subscriptions and contracts in force, as AsyncAPI 3.',
    answers: { 200: { description: 'An AsyncAPI document.', content: { schema: asyncApi } } },
  } satisfies Operation)
  document(): object {
    return this.view.asyncApi();
  }
}
