/** A Nest app with the gateway inside: `block/now` stalls its thread for BLOCK_MS. Called as the gateway is. */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { runNestApp } from '../support/nest-app.js';

@Controller()
class Handlers {
  @EventPattern('block/#')
  block(@Payload() command: unknown): void {
    const until = performance.now() + Number(process.env['BLOCK_MS']);
    process.stderr.write(`blocking: ${JSON.stringify(command)}\n`);
    while (performance.now() < until);
  }
}

@Module({ controllers: [Handlers] })
class App {}

await runNestApp(App);
