import { Controller, Get, ValidationPipe } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventPattern, Holdfast, HoldfastContext, MessagePattern } from 'holdfast';
import { Reading } from './reading.js';

const HOT_CELSIUS = 80;

@Controller()
export class DevicesController {
  readonly #latest = new Map<string, number>();

  constructor(private readonly holdfast: Holdfast) {}

  /** Each device's readings one after the other; one that fails holds back its device and no other. */
  @EventPattern('devices/+/telemetry', { ordering: 'topic', timeout: '5s', retry: { schedule: ['1s', '10s'] } })
  async read(@Payload(new ValidationPipe()) reading: Reading, @Ctx() context: HoldfastContext): Promise<void> {
    const device = deviceOf(context);
    this.#latest.set(device, reading.celsius);
    if (reading.celsius <= HOT_CELSIUS) return;
    // In the durable outbox before this reading counts as delivered.
    await this.holdfast.publish({ topic: `commands/${device}/fan`, payload: { on: true } });
  }

  /** The answer goes to the response topic of the question (MQTT 5). */
  @MessagePattern('devices/+/questions')
  answer(@Ctx() context: HoldfastContext): object {
    return { latest: this.#latest.get(deviceOf(context)) ?? null };
  }

  @Get('readings')
  readings(): object {
    return Object.fromEntries(this.#latest);
  }
}

function deviceOf(context: HoldfastContext): string {
  return context.getTopic().split('/')[1]!;
}
