import { Controller, Get, Inject, SetMetadata } from '@nestjs/common';
import { HoldfastError } from '../domain/errors.js';
import type { LinkStatus } from '../domain/link.js';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { GatewayView } from './gateway-view.js';
import { linkStatus } from './link-status.js';

@Controller('v1')
export class ReadController {
  constructor(@Inject(GatewayView) private readonly view: GatewayView) {}

  @Get('link')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getLink',
    tag: 'link',
    summary: 'How the link is, and why it dropped.',
    answers: { 200: { description: 'How it is.', content: { schema: linkStatus } } },
    problems: ['NOT_FOUND'],
  } satisfies Operation)
  async link(): Promise<LinkStatus> {
    const status = await this.view.link();
    if (!status) throw new HoldfastError('NOT_FOUND', 'the link has not started yet');
    return status;
  }
}
