import { Controller, Get, Inject, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { anything, listOf, mapOf, object, optional, text } from '../domain/schema.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { GatewayView } from './gateway-view.js';
import type { ConfigInForce } from './shown/types.js';

const inForce = object<ConfigInForce>({
  file: optional(text.says('Path of the configuration file; absent: the settings came from none.')),
  settings: mapOf(anything).says('Keys as in the file. A text that is not known to be harmless is `********`.'),
  needsRestart: listOf(text).says('Keys that say something else than the gateway runs with, until it is restarted.'),
}).named('ConfigInForce');

@Controller('v1')
export class ConfigController {
  constructor(@Inject(GatewayView) private readonly view: GatewayView) {}

  @Get('config')
  @SetMetadata(SCOPE_METADATA, 'read' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'getConfig',
    tag: 'gateway',
    summary: 'The configuration in force, also after a reload, without its secrets.',
    description: 'With defaults filled in. Subscribers that were registered over REST are in `GET /v1/subscribers`.',
    answers: { 200: { description: 'What is in force.', content: { schema: inForce } } },
  } satisfies Operation)
  config(): ConfigInForce {
    return this.view.config();
  }
}
