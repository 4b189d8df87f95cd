/** REST publishes while the gateway is killed, and a client at the broker that sees what arrives. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import { until } from '../support/until.js';

export const CALLERS = 8;
const PER_CALLER_MAX = 500;

/** Caller c's n-th publish, on a topic of its own; also its key. */
export type Numbered = `${number}:${number}`;

/** What one publish was answered: status and body. */
export interface Told {
  http: number;
  body: { id: string; status: string };
}

export interface PublishFlow extends Flow {
  /** In the order of arrival, as `caller:number`. */
  arrived: Numbered[];
  /**
   * Every caller publishes one after the other until the gateway is gone. @param keyed each with a key
   * @returns what was answered 200 or 202
   */
  postUntilKilled(keyed?: boolean): Promise<Map<Numbered, Told>>;
  /** With its key. */
  post(one: Numbered): Promise<Told>;
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
    postUntilKilled: async (keyed = false) => {
      const told = new Map<Numbered, Told>();
      const call = (_: unknown, caller: number): Promise<void> => callUntilKilled(flow, caller, keyed, told);
      await Promise.all(Array.from({ length: CALLERS }, call));
      return told;
    },
    post: (one: Numbered) => post(flow, one, true),
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

async function callUntilKilled(flow: Flow, caller: number, keyed: boolean, told: Map<Numbered, Told>): Promise<void> {
  for (let n = 0; n < PER_CALLER_MAX; n++) {
    const one: Numbered = `${caller}:${n}`;
    try {
      const answer = await post(flow, one, keyed);
      assert.ok(answer.http === 200 || answer.http === 202, `publish was answered ${answer.http}`);
      told.set(one, answer);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
  }
}

async function post({ gateway }: Flow, one: Numbered, keyed: boolean): Promise<Told> {
  const [caller, payload] = one.split(':') as [string, string];
  const headers: { [name: string]: string } = keyed ? { 'idempotency-key': one } : {};
  const response = await gateway.post('/v1/publish', { topic: `commands/${caller}`, payload }, headers);
  return { http: response.status, body: (await response.json()) as Told['body'] };
}
