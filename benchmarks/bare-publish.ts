/**
 * The yardstick of publishing: plain Fastify in front of mqtt.js, which keeps what it sends in memory. Nothing is on disk,
 * checked or remembered. Tells its parent `{ port }` when it listens and is connected.
 */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { connectAsync } from 'mqtt';

const [brokerUrl] = process.argv.slice(2);

const client = await connectAsync(brokerUrl!, { protocolVersion: 5 });
const fastify = Fastify();
fastify.post<{ Body: { topic: string; payload: string } }>('/v1/publish', async ({ body }) => {
  await client.publishAsync(body.topic, body.payload, { qos: 1 });
  return { status: 'published' };
});
await fastify.listen({ host: '127.0.0.1', port: 0 });
process.send?.({ port: (fastify.server.address() as AddressInfo).port });

process.on('disconnect', () => process.exit(0));
