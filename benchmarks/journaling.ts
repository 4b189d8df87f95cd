import { setTimeout as sleep } from 'node:timers/promises';
import { SqliteJournalReader } from '../src/journal/index.js';
import { calm, disturbance, Neighbours, undisturbed, type Measured } from './calm.js';
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
      const rate = await undisturbed(() => (name === 'bare' ? received(messages) : journaled(messages)));
      rates[name].push(rate.figure);
      say(`journaling ${pair + 1}/${pairs}: ${name} ${rate.figure.toFixed(0)} messages/s${disturbance(rate)}`);
    }
  }
  const ratio = ratios(rates.gateway, rates.bare);
  return [
    { name: 'bare loop, messages/s received', values: rates.bare, digits: 0 },
    { name: 'gateway, messages/s journaled', values: rates.gateway, digits: 0 },
    { name: 'gateway / bare loop', values: ratio, digits: 2, bound: { least: RATIO_LEAST } },
  ];
};

async function received(messages: number): Promise<Measured> {
  const stage = await Stage.open();
  const bare = new BareLoop(stage, messages, '');
  try {
    await bare.join();
    await stage.publish(messages);
    await calm();
    const neighbours = new Neighbours(stage.pids);
    await bare.start();
    const span = await bare.received();
    return { figure: perSecond(messages, span), others: neighbours.share([bare.pid]) };
  } finally {
    await bare.stop();
    await stage.close();
  }
}

async function journaled(messages: number): Promise<Measured> {
  const stage = await Stage.open();
  const gateway = new Gateway(stage, {});
  try {
    await gateway.join();
    await stage.publish(messages);
    await calm();
    const neighbours = new Neighbours(stage.pids);
    await gateway.start();
    const span = await committed(gateway, messages);
    return { figure: perSecond(messages, span), others: neighbours.share([gateway.pid]) };
  } finally {
    await gateway.stop();
    await stage.close();
  }
}

function perSecond(messages: number, { firstAt, lastAt }: Span): number {
  return ((messages - 1) * 1_000) / (lastAt - firstAt);
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
