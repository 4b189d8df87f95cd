import { Controller, HttpCode, Inject, Post, SetMetadata } from '@nestjs/common';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { listOf, object, text, words } from '../domain/schema.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';

/** What reading the configuration again has come to, when it was not refused. */
export interface ReloadReport {
  /** `unchanged`: all of it that can be put in force while the gateway runs is in force already. */
  result: 'applied' | 'unchanged';
  /** Keys of the file, and files of contracts, that are in force now and were not before. */
  changed: string[];
  /** Keys that say something else than the gateway runs with, until it is restarted. */
  needsRestart: string[];
}

const report = object<ReloadReport>({
  result: words('applied', 'unchanged').says('`unchanged`: there was nothing to put in force.'),
  changed: listOf(text).says('Keys of the file, and files of contracts, that are in force now and were not before.'),
  needsRestart: listOf(text).says('Keys that say something else than the gateway runs with, until it is restarted.'),
}).named('ReloadReport');

/** Reads the configuration again. */
export abstract class Reloader {
  /** @throws HoldfastError RELOAD_REFUSED, RELOAD_INCOMPLETE with every problem; NOT_FOUND without a file; SHUTTING_DOWN */
  abstract reload(): Promise<ReloadReport>;
}

@Controller('v1')
export class ReloadController {
  constructor(@Inject(Reloader) private readonly reloader: Reloader) {}

  /** 200: in force, or nothing to do; 422: refused, nothing has changed; 503: some of it is in force. */
  @Post('reload')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'reload',
    tag: 'gateway',
    summary: 'Reads the configuration again.',
    description: 'A configuration that cannot be used is refused whole; what was in force still is.',
    answers: { 200: { description: 'In force, or nothing to do.', content: { schema: report } } },
    problems: ['RELOAD_REFUSED', 'RELOAD_INCOMPLETE', 'NOT_FOUND', 'SHUTTING_DOWN'],
  } satisfies Operation)
  reload(): Promise<ReloadReport> {
    return this.reloader.reload();
  }
}
