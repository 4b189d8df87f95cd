import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { HoldfastTransport } from '../../src/index.js';

/** Runs a Nest app with the gateway inside, as the gateway is run: the configuration is the last argument. */
export async function runNestApp(module: new () => object): Promise<void> {
  const config = process.argv.at(-1)!;
  const strategy = new HoldfastTransport({ config });
  const app = await NestFactory.createMicroservice(module, { strategy, logger: false });
  await app.init();
  await app.listen();
}
