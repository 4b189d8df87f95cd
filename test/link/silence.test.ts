/** What a broker loses or withholds without a word: told to whoever asks. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startFlow, TOPICS } from '../support/flow.js';
import { startMosquitto } from '../support/mosquitto.js';
import { needs } from '../support/needs.js';
import { publishNumbered } from '../support/publisher.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

interface CanaryState {
  canary: { silent: boolean; seconds: number };
}

describe('silence', { skip: needs('mosquitto') }, () => {
  it('a lost session leaves a gap marker with its span for subscribers that ask for it', async (t) => {
    const flow = await startFlow(t, {
      config: ({ receiverUrl }) => ({
        subscribers: [{ id: 'gaps', url: receiverUrl, topics: ['$holdfast/link/gap', 'devices/#'] }],
      }),
    });
    const { broker, receiver } = flow;
    const before = Date.now();
    await broker.restart('SIGKILL');
    await receiver.waitFor(1);
    const [gap] = receiver.requests;
    assert.equal(gap!.topic, '$holdfast/link/gap');
    assert.equal(gap!.headers['content-type'], 'application/json');
    const { from, to } = JSON.parse(gap!.body.toString()) as { from: string; to: string };
    assert.ok(
      Date.parse(from) >= before - 10_000 && Date.parse(from) <= Date.parse(to) && Date.parse(to) <= Date.now(),
    );
    await flow.gateway.answered(1);
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 1 }).done;
    await receiver.waitFor(2);
    const { drops } = (await (await flow.gateway.http('/v1/link')).json()) as { drops: { cause: string }[] };
    assert.equal(drops.at(-1)!.cause, 'broker-shutdown');
  });

  it('the span begins with the broker’s last word, not when its silence is noticed', async (t) => {
    const flow = await startFlow(t, {
      config: ({ receiverUrl }) => ({
        session: { keepalive: '5s' },
        subscribers: [{ id: 'gaps', url: receiverUrl, topics: ['$holdfast/link/gap'] }],
      }),
    });
    const { broker, gateway, receiver } = flow;
    const silentAt = Date.now();
    process.kill(broker.pid, 'SIGSTOP');
    await until(async () => (await gateway.metric('holdfast_link_up')) === 0, {
      what: () => `a drop\n${gateway.report}`,
    });
    assert.ok(Date.now() > silentAt + 2_000, 'it takes a while to notice');
    await broker.restart('SIGKILL');
    await receiver.waitFor(1);
    const { from } = JSON.parse(receiver.requests[0]!.body.toString()) as { from: string };
    assert.ok(Date.parse(from) <= silentAt + 500, `${from} is after ${new Date(silentAt).toISOString()}`);
  });

  it('a fail-over to a broker that has no session of ours leaves a gap, too', async (t) => {
    const other = await startMosquitto();
    t.after(() => other.stop('SIGKILL'));
    const flow = await startFlow(t, {
      config: ({ brokerUrl, receiverUrl }) => ({
        broker: { url: null, urls: [brokerUrl, other.url] },
        subscribers: [{ id: 'gaps', url: receiverUrl, topics: ['$holdfast/link/gap'] }],
      }),
    });
    const { broker, gateway, receiver } = flow;
    assert.equal(receiver.requests.length, 0, 'the first link is no gap');
    await broker.stop();
    await receiver.waitFor(1, 30_000);
    assert.equal(receiver.requests[0]!.topic, '$holdfast/link/gap');
    assert.equal(await gateway.metric('holdfast_link_session_resumes_total', { result: 'lost' }), 1);
  });

  it('a broker that grants and then withholds is found by the canary, and its return is told', async (t) => {
    const acl = join(scratchDirectory('acl'), 'acl');
    writeFileSync(acl, 'topic readwrite devices/#\ntopic readwrite gateway/canary\n');
    const flow = await startFlow(t, {
      // Without a limit on its queue, Mosquitto 2.0.11 hangs up on every publish that it denies.
      broker: { lines: [`acl_file ${acl}`, 'max_queued_messages 1000'] },
      config: () => ({ session: { canary: { topic: 'gateway/canary', every: '1s' } } }),
    });
    const { gateway, broker, receiver } = flow;
    const canary = async (): Promise<CanaryState['canary']> =>
      ((await (await gateway.http('/v1/link')).json()) as CanaryState).canary;
    await until(async () => (await canary()).seconds > 0, { what: 'the first canary to come back' });
    writeFileSync(acl, 'topic readwrite devices/#\ntopic write gateway/canary\n');
    broker.reload();
    await until(async () => (await canary()).silent, { what: 'the silence to be told' });
    const told = gateway.logs.find(({ cause }) => cause === 'canary-silent')!;
    assert.match(String(told['evidence']), /was taken, and did not come back/);
    await until(async () => (await gateway.metric('holdfast_link_canary_seconds')) > 2, { what: 'its age to grow' });
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'the link is left alone');
    writeFileSync(acl, 'topic readwrite devices/#\ntopic read gateway/canary\n');
    broker.reload();
    const refused = (): unknown => gateway.logs.find(({ msg }) => /another reason/.test(msg))?.['evidence'];
    await until(refused, { what: () => `that it is refused now\n${gateway.report}` });
    assert.match(String(refused()), /PUBLISH to gateway\/canary was refused/);
    writeFileSync(acl, 'topic readwrite devices/#\ntopic readwrite gateway/canary\n');
    broker.reload();
    await until(async () => !(await canary()).silent, { what: 'the return to be told' });
    assert.equal(receiver.requests.length, 0, 'probes are nobody else’s business');
    assert.equal(await gateway.metric('holdfast_messages_journaled_total'), 0);
  });

  it('a canary that may not be published is told apart from one that is withheld, with the broker’s code', async (t) => {
    const flow = await startFlow(t, {
      broker: { acl: ['topic readwrite devices/#', 'topic read gateway/canary'], lines: ['max_queued_messages 1000'] },
      config: () => ({ session: { canary: { topic: 'gateway/canary', every: '1s' } } }),
    });
    const { gateway } = flow;
    await until(async () => (await gateway.link()).canary?.silent, { what: () => `the silence\n${gateway.report}` });
    const { diagnosis } = (await gateway.link()).canary!;
    assert.deepEqual([diagnosis!.cause, diagnosis!.confidence], ['canary-silent', 'certain']);
    assert.match(diagnosis!.evidence.join(), /PUBLISH to gateway\/canary was refused: reason code 0x87/);
    assert.match(diagnosis!.mend, /publish to gateway\/canary/);
    const told = gateway.logs.find(({ cause }) => cause === 'canary-silent')!;
    assert.deepEqual(told['evidence'], diagnosis!.evidence);
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'the link is left alone');
  });
});
