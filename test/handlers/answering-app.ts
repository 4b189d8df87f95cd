/** A Nest app with the gateway inside that answers what it is asked. Called as the gateway is. */
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { runNestApp } from '../support/nest-app.js';

@Controller()
class Handlers {
  @MessagePattern('devices/+/telemetry')
  answer(@Payload() { n }: { n: number }): object {
    return { squared: n * n };
  }
}

@Module({ controllers: [Handlers] })
class App {}

await runNestApp(App);
