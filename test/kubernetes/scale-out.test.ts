/** Several replicas share what comes, each with a session and a volume of its own. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { numberOf, publishNumbered } from '../support/publisher.js';
import { render, SET } from './chart.js';
import { gatewayValues, PodGateway, startScene } from './scene.js';

const COUNT = 900;

describe('scale-out', { skip: needs('mosquitto', 'helm', 'namespaces', 'ip') }, () => {
  it('three replicas: each message is delivered once, by one of them; one that rolls under load costs none', async (t) => {
    const { cluster, broker, receiver } = await startScene(t);
    cluster.apply(render({ replicas: 3, ...gatewayValues(receiver.url, '$share/gateways/devices/+/telemetry') }));
    const set = cluster.statefulSet(SET);
    const gateways = (await set.start()).map((pod) => new PodGateway(pod));
    for (const gateway of gateways) {
      await gateway.pod.untilReady();
      await gateway.subscribed();
    }
    const ids = await Promise.all(gateways.map(async (gateway) => (await gateway.link()).clientId));
    assert.deepEqual(ids, ['gw-holdfast-0', 'gw-holdfast-1', 'gw-holdfast-2']);
    for (const id of ids) assert.ok(existsSync(join(cluster.claim(`data-${id}`), 'journal.db')));
    await publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT }).done;
    await receiver.waitFor(COUNT);
    const numbers = receiver.requests.map(({ body }) => numberOf(body)).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: COUNT }, (_, n) => n),
      'each once',
    );
    for (const gateway of gateways) assert.ok((await gateway.metric('holdfast_messages_journaled_total')) > COUNT / 10);

    receiver.requests.length = 0;
    const plan = { url: broker.url, topics: TOPICS, from: COUNT, count: COUNT, perSecond: 300 };
    const publisher = publishNumbered(plan);
    await receiver.waitFor(({ requests }) => requests.length > COUNT / 10);
    const { pod, exits } = await set.replace(1);
    assert.deepEqual(exits, { holdfast: 0 });
    await publisher.done;
    const missing = (): number[] => {
      const seen = new Set(receiver.requests.map(({ body }) => numberOf(body)));
      return Array.from({ length: COUNT }, (_, n) => COUNT + n).filter((n) => !seen.has(n));
    };
    await receiver.waitFor(() => missing().length === 0);
    await new PodGateway(pod).untilMetric('holdfast_link_session_resumes_total', 1, { result: 'resumed' });
  });
});
