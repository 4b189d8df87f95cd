import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteJournalReader } from '../src/journal/index.js';
import { calm } from './calm.js';
import { BareLoop, Gateway, type Span } from './contenders.js';
import { ratios, type Benchmark } from './figures.js';
import { Stage } from './stage.js';
import { inTurn, type Name } from './throughput.js';

const MESSAGES = 300_000;
const RATIO_LEAST = 0.75;
const POLL_MS = 10;
const TIMEOUT_MS = 600_000;

/** Messages a second to disk, nobody subscribed, beside a loop that receives, acknowledges and forgets. */
export const journaling: Benchmark = async ({ pairs, messages = MESSAGES, say }) => {
  const rates: { [name in Name]: number[] } = { bare: [], gateway: [] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const name of inTurn(pair)) {
      const { firstAt, lastAt } = await (name === 'bare' ? received(messages) : journaled(messages));
      const rate = ((messages - 1) * 1_000) / (lastAt - firstAt);
      rates[name].push(rate);
      say(`journaling ${pair + 1}/${pairs}: ${name} ${rate.toFixed(0)} messages/s`);
    }
  }
  const ratio = ratios(rates.gateway, rates.bare);
  return [
    { name: 'bare loop, messages/s received', values: rates.bare, digits: 0 },
    { name: 'gateway, messages/s journaled', values: rates.gateway, digits: 0 },
    { name: 'gateway / bare loop', values: ratio, digits: 2, bound: { least: RATIO_LEAST } },
  ];
};

async function received(messages: number): Promise<Span> {
  const stage = await Stage.open();
  const bare = new BareLoop(stage, messages, '');
  try {
    await bare.join();
    await stage.publish(messages);
    await calm();
    await bare.start();
    return await bare.received();
  } finally {
    await bare.stop();
    await stage.close();
  }
}

async function journaled(messages: number): Promise<Span> {
  const stage = await Stage.open();
  const gateway = new Gateway(stage, {});
  try {
    await gateway.join();
    await stage.publish(messages);
    await calm();
    await gateway.start();
    return await committed(gateway, messages);
  } finally {
    await gateway.stop();
    await stage.close();
  }
}

/** From the first message off the socket to the commit of the last, as the journal itself shows it. */
async function committed(gateway: Gateway, messages: number): Promise<Span> {
  const journal = new SqliteJournalReader(gateway.data, () => undefined);
  const ends = performance.now() + TIMEOUT_MS;
  try {
    while (journal.lastPosition() < messages) {
      if (gateway.process.exited || performance.now() > ends) throw new Error(gateway.process.report);
      await sleep(POLL_MS);
    }
    const lastAt = Date.now();
    const [first] = journal.recordsAfter(0, messages, 1);
    return { firstAt: first!.receivedAt, lastAt };
  } finally {
    journal.close();
  }
}
