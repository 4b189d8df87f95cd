/** A Nest app with the gateway inside whose handler throws at each first attempt. Called as the gateway is. */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventPattern, HoldfastContext } from '../../src/index.js';
import { runNestApp } from '../support/nest-app.js';

@Controller()
class Handlers {
  @EventPattern('devices/+/telemetry', {
    retry: { schedule: ['50ms', '50ms', '50ms'], maxAge: '1m' },
    breaker: { failures: 1_000, openFor: '50ms' },
  })
  handle(@Payload() reading: { n: number }, @Ctx() context: HoldfastContext): void {
    if (context.attempt === 1) throw new Error('no');
    process.stderr.write(`handled ${reading.n}\n`);
  }
}

@Module({ controllers: [Handlers] })
class App {}

await runNestApp(App);
