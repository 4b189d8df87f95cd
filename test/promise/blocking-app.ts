/** A Nest app with the gateway inside: `block/now` stalls its thread for BLOCK_MS. Called as the gateway is. */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import { HoldfastTransport } from '../../src/index.js';

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

const config = process.argv.at(-1)!;
const app = await NestFactory.createMicroservice(App, { strategy: new HoldfastTransport({ config }), logger: false });
await app.init();
await app.listen();
