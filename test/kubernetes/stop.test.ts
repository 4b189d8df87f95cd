/** How a pod ends, and how the kubelet ends one that hangs. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TOPICS } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { allDelivered, assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { until } from '../support/until.js';
import { render, SET } from './chart.js';
import { gatewayValues, PodGateway, startScene } from './scene.js';

/** As OpenShift gives one to each namespace: no image knows it. */
const ANY_USER = 1_000_680_000;

describe('a pod', { skip: needs('mosquitto', 'helm', 'namespaces', 'ip') }, () => {
  it('with a webhook that hangs ends by itself once the drain is over, and its successor delivers', async (t) => {
    const { cluster, broker, receiver } = await startScene(t);
    receiver.answer = () => ({ hang: true });
    cluster.apply(render(gatewayValues(receiver.url, 'devices/+/telemetry', { ops: { drain: '2s' } })));
    const set = cluster.statefulSet(SET);
    const [pod] = await set.start();
    assert.equal(set.templateOf(0).spec.terminationGracePeriodSeconds, 12);
    await new PodGateway(pod!).subscribed();
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 50 }).done;
    await receiver.waitFor(({ requests }) => requests.length > 0);
    const { tookMs, exits } = await set.replace(0);
    assert.deepEqual(exits, { holdfast: 0 }, pod!.report);
    assert.ok(tookMs > 1_500 && tookMs < 7_000, `${tookMs} ms, with a drain of 2 s`);
    receiver.requests.length = 0;
    receiver.answer = () => undefined;
    await receiver.waitFor(50);
    assertNumbered(receiver, TOPICS, 50);
  });

  it('that is told to end while it starts ends at once', async (t) => {
    const { cluster, receiver } = await startScene(t);
    const subscriptions = [{ filter: 'devices/#', contract: 'slow' }];
    const contracts = { slow: { class: 'slow.mjs#Slow' } };
    const slow = 'await new Promise((resolve) => setTimeout(resolve, 60_000));\nexport class Slow {}\n';
    cluster.apply(
      render({
        ...gatewayValues(receiver.url, 'devices/#', { subscriptions, contracts }),
        files: { 'slow.mjs': slow },
      }),
    );
    const set = cluster.statefulSet(SET);
    const [pod] = await set.start();
    const journal = join(cluster.claim(`data-${SET}-0`), 'journal.db');
    await until(() => existsSync(journal), { what: () => pod!.report });
    const { tookMs, exits } = await pod!.terminate();
    assert.deepEqual([exits, pod!.container('holdfast').lines.length], [{ holdfast: 0 }, 1], pod!.report);
    assert.match(pod!.report, /ended before it had started/);
    assert.ok(tookMs < 5_000, `${tookMs} ms`);
  });

  it('of any user that stands still is restarted by its liveness probe, and goes on without a loss: an emptyDir outlives a container', async (t) => {
    const { cluster, broker, receiver } = await startScene(t);
    const user = { runAsUser: ANY_USER, runAsGroup: 0 };
    cluster.apply(
      render({
        ...gatewayValues(receiver.url, 'devices/+/telemetry', { ops: { drain: '1s' } }),
        probes: { liveness: { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 2 } },
        terminationGracePeriodSeconds: 2,
        persistence: { enabled: false },
        podSecurityContext: { ...user, fsGroup: ANY_USER },
        securityContext: user,
      }),
    );
    const [pod] = await cluster.statefulSet(SET).start();
    await pod!.untilReady();
    const gateway = new PodGateway(pod!);
    await gateway.subscribed();
    const count = 1_500;
    const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count, perSecond: 300 });
    await receiver.waitFor(count / 10);
    gateway.life.container!.signal('SIGSTOP');
    await publisher.done;
    await receiver.waitFor(() => allDelivered(receiver, count));
    assertNumbered(receiver, TOPICS, count);
    assert.deepEqual(gateway.life.exits, [{ code: null, signal: 'SIGKILL' }], 'who stands still does not hear SIGTERM');
    assert.match(pod!.events.join('\n'), /Liveness probe of holdfast failed/);
    await pod!.untilReady();
    assert.equal(gateway.life.restarts, 1);
    assert.match((await gateway.life.exec(['id', '-u'])).output, new RegExp(`^${ANY_USER}$`, 'm'));
    await gateway.untilMetric('holdfast_link_session_resumes_total', 1, { result: 'resumed' });
  });
});
