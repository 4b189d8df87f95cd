import { Controller, HttpCode, Inject, Post, SetMetadata } from '@nestjs/common';
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

/** Reads the configuration again. */
export abstract class Reloader {
  /** @throws HoldfastError RELOAD_REFUSED with every problem; NOT_FOUND without a file; SHUTTING_DOWN */
  abstract reload(): Promise<ReloadReport>;
}

@Controller('v1')
export class ReloadController {
  constructor(@Inject(Reloader) private readonly reloader: Reloader) {}

  /** 200: in force, or nothing to do; 422: refused, nothing has changed. */
  @Post('reload')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  reload(): Promise<ReloadReport> {
    return this.reloader.reload();
  }
}
