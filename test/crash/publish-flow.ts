/** REST publishes while the gateway is killed, and a client at the broker that sees what arrives. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import { until } from '../support/until.js';

const CALLERS = 8;
const PER_CALLER_MAX = 500;

/** Caller c's n-th publish, on a topic of its own. */
type Numbered = `${number}:${number}`;

export interface PublishFlow extends Flow {
  /** In the order of arrival, as `caller:number`. */
  arrived: Numbered[];
  /** Every caller publishes one after the other until the gateway is gone. @returns what was answered 200 or 202 */
  postUntilKilled(): Promise<Numbered[]>;
  allArrived(answered: Numbered[]): Promise<void>;
  /** First occurrences are in order per caller, and nothing arrived that nobody posted. */
  verify(): void;
}

export async function startPublishFlow(t: TestContext, env: { [name: string]: string } = {}): Promise<PublishFlow> {
  const flow = await startFlow(t, { gateway: { env }, config: () => ({ publish: { allow: ['commands/#'] } }) });
  const client = await connectAsync(flow.broker.url, { protocolVersion: 5 });
  t.after(() => client.endAsync(true));
  const arrived: Numbered[] = [];
  client.on('message', (topic, payload) =>
    arrived.push(`${Number(topic.split('/')[1])}:${Number(payload.toString())}`),
  );
  await client.subscribeAsync('commands/#', { qos: 1 });
  return Object.assign(flow, {
    arrived,
    postUntilKilled: async () => {
      const answers = await Promise.all(Array.from({ length: CALLERS }, (_, caller) => callUntilKilled(flow, caller)));
      return answers.flat();
    },
    allArrived: (answered: Numbered[]) => {
      const missing = (): Numbered[] => answered.filter((one) => !arrived.includes(one));
      const what = (): string => `every publish that was answered; missing: ${missing().slice(0, 10).join(' ')}`;
      return until(() => missing().length === 0, { timeoutMs: 30_000, what }).then(() => undefined);
    },
    verify: () => {
      for (let caller = 0; caller < CALLERS; caller++) {
        const numbers = [...new Set(arrived.filter((one) => one.startsWith(`${caller}:`)))].map((one) =>
          Number(one.split(':')[1]),
        );
        assert.deepEqual(
          numbers,
          numbers.map((_, i) => i),
          `caller ${caller}: the first occurrences are in order`,
        );
      }
    },
  });
}

async function callUntilKilled(flow: Flow, caller: number): Promise<Numbered[]> {
  const answered: Numbered[] = [];
  for (let n = 0; n < PER_CALLER_MAX; n++) {
    try {
      const { status } = await flow.gateway.post('/v1/publish', { topic: `commands/${caller}`, payload: `${n}` });
      assert.ok(status === 200 || status === 202, `publish was answered ${status}`);
      answered.push(`${caller}:${n}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return answered;
    }
  }
  return answered;
}
