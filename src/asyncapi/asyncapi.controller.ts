import { Controller, Get, Inject, SetMetadata } from '@nestjs/common';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';

/** What is in force, as an AsyncAPI document. */
export abstract class AsyncApiView {
  abstract asyncApi(): object;
}

@Controller()
export class AsyncApiController {
  constructor(@Inject(AsyncApiView) private readonly view: AsyncApiView) {}

  @Get('asyncapi.json')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  document(): object {
    return this.view.asyncApi();
  }
}
