/** What Prometheus gets of a gateway that has just started: one of each kind of thing that has series of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway } from '../support/gateway-process.js';
import { freePort } from '../support/ports.js';
import { scratchDirectory } from '../support/scratch.js';

/** @param subscribers how many; nobody listens there, nor at the broker's address */
export async function scrape(t: TestContext, subscribers = 1): Promise<string> {
  const directory = scratchDirectory('scrape');
  writeFileSync(join(directory, 'reading.schema.json'), '{"type":"object"}');
  const nowhere = await freePort();
  const config = await gatewayConfig({
    broker: { url: `mqtt://127.0.0.1:${nowhere}` },
    subscriptions: [{ name: 'telemetry', filter: 'devices/+/telemetry', contract: 'reading' }],
    contracts: { reading: { schema: 'reading.schema.json' } },
    subscribers: Array.from({ length: subscribers }, (_, i) => {
      return { id: `app-${i}`, url: `http://127.0.0.1:${nowhere}/`, topics: ['devices/#'] };
    }),
    publish: { allow: ['commands/#'], contracts: [{ filter: 'commands/#', contract: 'reading' }] },
  });
  const gateway = await startGateway(config, { directory });
  t.after(() => gateway.kill());
  const { text } = await gateway.ops('/metrics');
  await gateway.stop();
  return text;
}
