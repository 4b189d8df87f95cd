import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { HoldfastTransport } from 'holdfast';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, new FastifyAdapter());
// Before: app.connectMicroservice({ transport: Transport.MQTT, options: { url: 'mqtt://localhost:1883' } });
app.connectMicroservice({ strategy: app.get(HoldfastTransport) });
app.enableShutdownHooks(); // SIGTERM: handlers at work end first
await app.startAllMicroservices();
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
