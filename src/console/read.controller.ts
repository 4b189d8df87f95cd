import { Controller, Get, Inject, SetMetadata } from '@nestjs/common';
import { HoldfastError } from '../domain/errors.js';
import type { LinkStatus } from '../domain/link.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { GatewayView } from './gateway-view.js';

@Controller('v1')
export class ReadController {
  constructor(@Inject(GatewayView) private readonly view: GatewayView) {}

  @Get('link')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  async link(): Promise<LinkStatus> {
    const status = await this.view.link();
    if (!status) throw new HoldfastError('NOT_FOUND', 'the link has not started yet');
    return status;
  }
}
