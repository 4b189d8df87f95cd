/** Every situation at every broker: what happens, and what the gateway says of it. Writes docs/brokers.md. */
import { writeFileSync } from 'node:fs';
import { after, describe } from 'node:test';
import { fileURLToPath } from 'node:url';
import { aedes } from './brokers/aedes.ground.js';
import { examine, SITUATIONS, type Cell } from './brokers/examine.js';
import { mosquittoAclFile, mosquittoDynamicSecurity } from './brokers/mosquitto.ground.js';
import { nats } from './brokers/nats.ground.js';
import { pageOf } from './brokers/page.js';
import { rabbitMq } from './brokers/rabbitmq.ground.js';

/** What they need beyond other tests: 'nats-server', 'rabbitmq-server'. */
const GROUNDS = [mosquittoAclFile, mosquittoDynamicSecurity, aedes, nats, rabbitMq];
const PAGE = fileURLToPath(new URL('../../../../docs/brokers.md', import.meta.url));

describe('causes at brokers', { concurrency: 3 }, () => {
  const cells: Cell[] = [];
  for (const ground of GROUNDS) {
    for (const protocol of ground.protocols) examine(ground, protocol, SITUATIONS, (cell) => cells.push(cell));
  }
  after(() => {
    const whole = GROUNDS.flatMap(({ protocols }) => protocols).length * SITUATIONS.length;
    if (cells.length === whole) writeFileSync(PAGE, pageOf(GROUNDS, cells));
    else console.log(`${cells.length} of ${whole} cells: docs/brokers.md stays as it is`);
  });
});
