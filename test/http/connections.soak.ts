/** Ten thousand connections that are nobody's: the link and those who may call are served all the while. */
import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Child } from '../support/children.js';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { allDelivered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';

const CROWD = fileURLToPath(new URL('crowd.js', import.meta.url));
const CONNECTIONS = 10_000;
const SECONDS = Number(process.env['HOLDFAST_SECONDS'] ?? 60);
const TOKEN = 'a-token-that-may-read-it';
/** A client gives up after so long. */
const PATIENCE_MS = 20_000;

interface Crowd {
  open: number;
  opened: number;
  refused: number;
}

function startCrowd(t: TestContext, port: number): { seen: () => Crowd; stop: () => Promise<unknown> } {
  let last: Crowd = { open: 0, opened: 0, refused: 0 };
  const onLine = (line: string): void => void (last = JSON.parse(line) as Crowd);
  const child = new Child(process.execPath, [CROWD, String(port), String(CONNECTIONS)], { onLine });
  t.after(() => child.stop('SIGKILL'));
  return { seen: () => last, stop: () => child.stop('SIGKILL') };
}

/** One call. @returns how long it took. Rejects when it is not answered 200. */
function call(flow: Flow, agent: Agent): Promise<number> {
  const begun = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const options = { host: '127.0.0.1', port: flow.gateway.ports.httpPort, path: '/v1/subscribers', headers, agent };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const asked = get({ ...options, signal }, (answer) => {
    answer.resume();
    answer.on('end', () =>
      answer.statusCode === 200 ? resolve(performance.now() - begun) : reject(new Error(`${answer.statusCode}`)),
    );
  });
  asked.on('error', reject);
  return promise;
}

function percentile(values: number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
}

for (const connections of [1_000, 15_000]) {
  describe(`${CONNECTIONS} connections, ${connections} allowed`, { skip: needs('mosquitto') }, () => {
    it('the link stands, messages flow, and who may call is answered, over an old connection and over new ones', async (t) => {
      const flow = await startFlow(t, {
        gateway: { until: 'startup' },
        config: () => ({
          http: { auth: { tokens: [{ name: 'reader', token: TOKEN, scopes: ['read'] }] }, limits: { connections } },
        }),
      });
      await flow.gateway.linkUp();
      const drops = (): Promise<number> => flow.gateway.metric('holdfast_link_drops_total');
      const memory = (): Promise<number> => flow.gateway.metric('process_resident_memory_bytes');
      const [lasting, fresh] = [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent({ keepAlive: false })];
      await call(flow, lasting);
      const before = await memory();
      const crowd = startCrowd(t, flow.gateway.ports.httpPort);
      const there = Math.min(CONNECTIONS, connections) * 0.8;
      await until(() => crowd.seen().open >= there, {
        what: () => `the crowd: ${JSON.stringify(crowd.seen())}`,
        timeoutMs: 120_000,
      });
      const tookMs: { [kind: string]: number[] } = { lasting: [], fresh: [] };
      let most = 0;
      let sent = 0;
      for (const ends = performance.now() + SECONDS * 1_000; performance.now() < ends;) {
        tookMs['lasting']!.push(await call(flow, lasting));
        tookMs['fresh']!.push(await call(flow, fresh));
        await publishNumbered({ url: flow.broker.url, topics: TOPICS, count: 20, from: sent }).done;
        sent += 20;
        most = Math.max(most, await memory());
        await sleep(100);
      }
      await flow.receiver.waitFor((one) => allDelivered(one, sent), 30_000);
      for (const [kind, times] of Object.entries(tookMs)) {
        const [middle, slow] = [percentile(times, 0.5), percentile(times, 0.99)].map(Math.round);
        console.log(`${kind}: ${times.length} calls, half within ${middle} ms, 99 % within ${slow} ms`);
      }
      console.log(`crowd ${JSON.stringify(crowd.seen())}, ${Math.round((most - before) / 2 ** 20)} MiB more at most`);
      assert.ok(most - before < 2 ** 30, `it grew by ${most - before} bytes`);
      assert.deepEqual([await drops(), await flow.gateway.metric('holdfast_link_connects_total')], [0, 1]);
      await crowd.stop();
      await until(async () => (await call(flow, fresh)) < 1_000, { what: 'a quick answer once the crowd has gone' });
    });
  });
}
