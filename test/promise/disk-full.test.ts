/** A full disk: acknowledgements stop, the link stays, REST says 503; when space returns everything drains by itself. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { startFlow, TOPICS, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { assertNumbered } from '../support/numbered.js';
import { publishNumbered } from '../support/publisher.js';
import { fillDisk, mountTmpfs, type Tmpfs } from '../support/tmpfs.js';
import { until } from '../support/until.js';

const MIB = 1 << 20;
const PAD_BYTES = 4_000;
const COUNT = 6_000;

describe('disk full', { skip: needs('mosquitto', 'tmpfs') }, () => {
  it('acknowledgements stop, the link stays, REST answers 503; space returns and everything drains', async (t) => {
    const disk = mountTmpfs(16 * MIB);
    const flow = await startFlow(t, {
      config: ({ receiverUrl }) => ({
        session: { keepalive: '5s' },
        subscribers: [
          { id: 'app', url: receiverUrl, topics: ['devices/#'], ordering: 'topic', breaker: { openFor: '1s' } },
        ],
        journal: { directory: join(disk.directory, 'data') },
        publish: { allow: ['commands/#'] },
      }),
    });
    t.after(async () => {
      await flow.gateway.kill();
      disk.unmount();
    });
    const { gateway, receiver, broker } = flow;
    receiver.answer = () => ({ status: 503 });
    const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT, padBytes: PAD_BYTES });
    await until(async () => (await gateway.metric('holdfast_journal_state', { state: 'full' })) === 1, {
      timeoutMs: 30_000,
      what: () => `the journal to be full\n${gateway.report}`,
    });
    await publisher.done;
    const journaled = await standstill(flow);
    assert.ok(journaled < COUNT);
    assert.ok((await gateway.metric('holdfast_link_pending_acks')) > 0, 'acknowledgements wait');
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'the link stayed');
    const refused = await gateway.post('/v1/publish', { topic: 'commands/a', payload: 'x' });
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    assert.equal(((await refused.json()) as { code: string }).code, 'JOURNAL_FULL');
    assert.equal((await gateway.ops('/livez')).status, 200);
    const ready = await gateway.ops('/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.text, /\[-] journal has room: full/);

    disk.resize(96 * MIB);
    receiver.answer = () => undefined;
    await drained(flow, disk, COUNT, 120_000);
    assert.equal(assertNumbered(receiver, TOPICS, COUNT, PAD_BYTES), 0);
    await until(async () => (await gateway.ops('/readyz')).status === 200, { what: 'ready again' });
    assert.equal((await gateway.post('/v1/publish', { topic: 'commands/a', payload: 'x' })).status, 200);
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1, 'the link stayed throughout');
  });

  for (const size of [12, 24, 48]) {
    it(`its own backlog fills a disk of ${size} MiB: when the subscriber is well again, all of it drains`, async (t) => {
      const disk = mountTmpfs(size * MIB);
      const count = 600 * size;
      const flow = await startFlow(t, {
        config: ({ receiverUrl }) => ({
          subscribers: [
            { id: 'app', url: receiverUrl, topics: ['devices/#'], ordering: 'topic', breaker: { openFor: '1s' } },
          ],
          journal: { directory: join(disk.directory, 'data') },
        }),
      });
      t.after(async () => {
        await flow.gateway.kill();
        disk.unmount();
      });
      const { gateway, receiver, broker } = flow;
      receiver.answer = () => ({ status: 503 });
      const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count, padBytes: PAD_BYTES });
      const full = async (): Promise<boolean> =>
        (await gateway.metric('holdfast_journal_state', { state: 'full' })) === 1;
      await until(full, { timeoutMs: 60_000, what: () => `the journal to be full\n${gateway.report}` });
      await publisher.done;
      receiver.answer = () => undefined;
      await drained(flow, disk, count, 120_000);
      assertNumbered(receiver, TOPICS, count, PAD_BYTES);
      await until(async () => !(await full()), { what: () => `room again\n${gateway.report}` });
    });
  }

  it('somebody else fills the disk and clears it: deliveries go on meanwhile, and all of it drains', async (t) => {
    const disk = mountTmpfs(24 * MIB);
    const flow = await startFlow(t, { config: () => ({ journal: { directory: join(disk.directory, 'data') } }) });
    t.after(async () => {
      await flow.gateway.kill();
      disk.unmount();
    });
    const { gateway, receiver, broker } = flow;
    await publishNumbered({ url: broker.url, topics: TOPICS, count: 500 }).done;
    await receiver.waitFor(500);
    const filler = join(disk.directory, 'filler');
    fillDisk(filler);
    const publisher = publishNumbered({ url: broker.url, topics: TOPICS, from: 500, count: 4_500, padBytes: 64 });
    await until(async () => (await gateway.metric('holdfast_journal_state', { state: 'full' })) === 1, {
      timeoutMs: 30_000,
      what: () => `the journal to be full\n${gateway.report}`,
    });
    await publisher.done;
    rmSync(filler);
    await drained(flow, disk, 5_000, 60_000);
    assert.equal(assertNumbered(receiver, TOPICS, 5_000), 0);
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1);
  });

  it('somebody reads the journal while it fills a disk: when the reader is done, all of it drains', async (t) => {
    const disk = mountTmpfs(24 * MIB);
    const flow = await startFlow(t, { config: () => ({ journal: { directory: join(disk.directory, 'data') } }) });
    const operator = new DatabaseSync(join(disk.directory, 'data', 'journal.db'), { readOnly: true });
    t.after(async () => {
      if (operator.isOpen) operator.close();
      await flow.gateway.kill();
      disk.unmount();
    });
    // As a backup does: for as long as this is open, the log keeps all that comes.
    operator.exec('BEGIN; SELECT count(*) FROM records');
    const { gateway, receiver, broker } = flow;
    const publisher = publishNumbered({ url: broker.url, topics: TOPICS, count: COUNT, padBytes: PAD_BYTES });
    await until(async () => (await gateway.metric('holdfast_journal_state', { state: 'full' })) === 1, {
      timeoutMs: 30_000,
      what: () => `the journal to be full\n${gateway.report}`,
    });
    await publisher.done;
    operator.close();
    await drained(flow, disk, COUNT, 120_000);
    assertNumbered(receiver, TOPICS, COUNT, PAD_BYTES);
  });

  it('a gateway that starts on a full disk comes up, says so, and mends itself', async (t) => {
    const disk = mountTmpfs(24 * MIB);
    const flow = await startFlow(t, { config: () => ({ journal: { directory: join(disk.directory, 'data') } }) });
    t.after(async () => {
      await flow.gateway.kill();
      disk.unmount();
    });
    await publishNumbered({ url: flow.broker.url, topics: TOPICS, count: 200 }).done;
    await flow.receiver.waitFor(200);
    await flow.gateway.kill();
    const filler = join(disk.directory, 'filler');
    fillDisk(filler);
    await publishNumbered({ url: flow.broker.url, topics: TOPICS, from: 200, count: 3_800 }).done;
    const gateway = await flow.restart({ until: 'startup' });
    await until(async () => (await gateway.metric('holdfast_journal_state', { state: 'full' })) === 1, {
      timeoutMs: 20_000,
      what: () => `the journal to be full\n${gateway.report}`,
    });
    assert.equal((await gateway.ops('/readyz')).status, 503);
    assert.ok(gateway.logs.some(({ msg }) => msg.startsWith('the journal is full')));
    rmSync(filler);
    await drained(flow, disk, 4_000, 60_000);
    assertNumbered(flow.receiver, TOPICS, 4_000);
  });
});

/**
 * Waits until nothing more gets on disk for longer than one and a half keepalives. A checkpoint makes room once more
 * after the first refusal. @returns the messages journaled
 */
async function standstill({ gateway }: Flow): Promise<number> {
  let before = NaN;
  const stands = async (): Promise<boolean> => {
    const full = (await gateway.metric('holdfast_journal_state', { state: 'full' })) === 1;
    const journaled = await gateway.metric('holdfast_messages_journaled_total');
    const stood = full && journaled === before;
    before = journaled;
    return stood;
  };
  await until(stands, { everyMs: 8_000, timeoutMs: 60_000, what: () => `a standstill\n${gateway.report}` });
  return before;
}

/** Waits until all of it was delivered. A failure says where everything stands: it may be long until it comes again. */
async function drained({ receiver, gateway }: Flow, disk: Tmpfs, count: number, timeoutMs: number): Promise<void> {
  await until(() => receiver.deliveredIds().size >= count, {
    timeoutMs,
    what: async () => {
      const answers = [gateway.http('/v1/subscribers'), gateway.http('/v1/link')].map(async (one) =>
        (await one).text(),
      );
      const metrics = gateway.ops('/metrics').then(({ text }) => text.replaceAll(/^(#|.*_bucket).*\n/gm, ''));
      const parts = await Promise.all([...answers, metrics].map((part) => part.catch(String)));
      const files = spawnSync('sh', ['-c', 'df -k . && ls -ls data'], { cwd: disk.directory, encoding: 'utf8' }).stdout;
      const { size } = receiver.deliveredIds();
      return [
        `${count} deliveries: ${size} of ${receiver.requests.length} requests`,
        ...parts,
        files,
        gateway.report,
      ].join('\n');
    },
  });
}
