/** A StatefulSet that rolls under load, and what stands between two gateways that would be one. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { TOPICS } from '../support/flow.js';
import type { Mosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';
import { render, SET } from './chart.js';
import { gatewayValues, PodGateway, startScene } from './scene.js';

const COUNT = 1_600;
const PER_SECOND = 400;
const CLIENT = `${SET}-0`;

describe('a StatefulSet', { skip: needs('mosquitto', 'helm', 'namespaces', 'ip') }, () => {
  for (const [way, forced] of [
    ['rolls', false],
    ['has a pod deleted by force', true],
  ] as const) {
    it(`${way} under load: the session is resumed, nothing is lost, one owns it at every moment`, async (t) => {
      const { broker, receiver, set, first } = await started(t);
      const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT, perSecond: PER_SECOND });
      await receiver.waitFor(COUNT / 5);
      const next = forced ? await set.replaceByForce(0) : (await set.replace(0)).pod;
      assert.deepEqual(first.container('holdfast').exits, [
        forced ? { code: null, signal: 'SIGKILL' } : { code: 0, signal: null },
      ]);
      assert.ok(publisher.report.acknowledged.length < COUNT, 'the load went on');
      await publisher.done;
      await receiver.waitFor(() => allDelivered(receiver, COUNT));
      assertNumbered(receiver, TOPICS, COUNT);
      const gateway = new PodGateway(next);
      await gateway.untilMetric('holdfast_link_session_resumes_total', 1, { result: 'resumed' });
      assert.equal(await gateway.metric('holdfast_link_session_resumes_total', { result: 'lost' }), 0);
      await next.untilReady();
      assert.deepEqual(owners(broker), ['came', 'went', 'came']);
    });
  }

  it('a second pod on a volume in use says so, and does not touch the session; once the first is gone, it goes on', async (t) => {
    const { cluster, broker, set, first, gateway } = await started(t);
    const second = await cluster.startPod(CLIENT, set.templateOf(0));
    const rival = new PodGateway(second);
    await until(() => rival.life.restarts > 0, { what: () => `the second to end\n${second.report}` });
    assert.deepEqual(rival.life.exits[0], { code: 1, signal: null });
    const said = second.report;
    assert.match(said, /JOURNAL_LOCKED/);
    assert.equal(second.ready, false);
    assert.deepEqual(owners(broker), ['came']);
    assert.equal(await gateway.metric('holdfast_link_drops_total'), 0);
    await first.terminate();
    await second.untilReady();
    await rival.untilMetric('holdfast_link_session_resumes_total', 1, { result: 'resumed' });
    assert.deepEqual(owners(broker), ['came', 'went', 'came']);
  });

  it('a pod that was deleted by force and lives on elsewhere is told apart: client-id-conflict, with what to do', async (t) => {
    const { cluster, broker, receiver, set, first, gateway } = await started(t);
    const template = structuredClone(set.templateOf(0));
    template.spec.volumes!.find(({ name }) => name === 'data')!.persistentVolumeClaim!.claimName = 'elsewhere';
    const second = new PodGateway(await cluster.startPod(CLIENT, template));
    const conflicts = (one: PodGateway): Promise<number> =>
      one.metric('holdfast_link_drops_total', { cause: 'client-id-conflict' });
    await until(async () => (await conflicts(gateway)) > 0, { what: () => first.report, timeoutMs: 20_000 });
    const { drops } = await gateway.link();
    const { cause, mend } = drops.find((drop) => drop.cause === 'client-id-conflict')!;
    assert.match(`${cause}: ${mend}`, /client id/i);
    assert.equal(first.ready, true, 'its backlog is delivered all the same');
    const count = 200;
    const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count, perSecond: 100 });
    assert.match(broker.log, new RegExp(`${CLIENT} already connected, closing old connection`));
    await first.terminate();
    await second.pod.untilReady();
    await second.untilMetric('holdfast_link_up', 1);
    await publisher.done;
    await receiver.waitFor(() => allDelivered(receiver, count), 60_000);
  });
});

/** One gateway, ready and subscribed. */
async function started(t: TestContext) {
  const scene = await startScene(t);
  scene.cluster.apply(render(gatewayValues(scene.receiver.url)));
  const set = scene.cluster.statefulSet(SET);
  const [first] = await set.start();
  const gateway = new PodGateway(first!);
  await first!.untilReady();
  await gateway.subscribed();
  return { ...scene, set, first: first!, gateway };
}

/** How the session changed hands, as the broker saw it. */
function owners({ log }: Mosquitto): string[] {
  assert.doesNotMatch(log, /already connected/, 'nobody took it from another');
  return log.split('\n').flatMap((line) => {
    if (line.includes(` as ${CLIENT} (`)) return ['came'];
    return new RegExp(`Client ${CLIENT} (disconnected|closed)`).test(line) ? ['went'] : [];
  });
}
