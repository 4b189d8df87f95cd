/** A Nest app with the gateway inside whose handler throws at each first attempt. Called as the gateway is. */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { HoldfastContext } from '../../src/index.js';
import { runNestApp } from '../support/nest-app.js';

@Controller()
class Handlers {
  @EventPattern<string>('devices/+/telemetry', {
    retry: { scheduleMs: [50, 50, 50], maxAgeMs: 60_000 },
    breaker: { failures: 1_000, openForMs: 50 },
  })
  handle(@Payload() reading: { n: number }, @Ctx() context: HoldfastContext): void {
    if (context.attempt === 1) throw new Error('no');
    process.stderr.write(`handled ${reading.n}\n`);
  }
}

@Module({ controllers: [Handlers] })
class App {}

await runNestApp(App);
