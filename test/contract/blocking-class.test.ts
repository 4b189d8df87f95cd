/** A class whose code blocks in a native call or ends its thread: others flow, the gateway says so, and it stops when asked to. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync } from 'mqtt';
import { startFlow, type Flow } from '../support/flow.js';
import { needs } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

/** Rules of `fifo` read what nobody writes; those of `ends` end the thread once the check is over. */
const CLASS = `
import { readFileSync } from 'node:fs';
import { registerDecorator } from 'class-validator';
const acts = {
  fifo: () => readFileSync(new URL('fifo', import.meta.url)),
  ends: () => { setTimeout(() => process.exit(1), 20); return true; },
};
export class Reading {}
registerDecorator({
  name: 'acts', target: Reading, propertyName: 'act', validator: { validate: (act) => acts[act]?.() ?? true },
});
`;

interface Scene {
  flow: Flow;
  send: (act: string) => Promise<unknown>;
  /** What was delivered, in order. */
  acts: () => string[];
}

async function started(t: TestContext): Promise<Scene> {
  const directory = scratchDirectory('blocking');
  execFileSync('mkfifo', [join(directory, 'fifo')]);
  writeFileSync(join(directory, 'reading.mjs'), CLASS);
  const flow = await startFlow(t, {
    config: () => ({
      subscriptions: [{ filter: 'devices/+/telemetry', contract: 'reading' }],
      contracts: { reading: { class: join(directory, 'reading.mjs#Reading') } },
    }),
  });
  const device = await connectAsync(flow.broker.url);
  t.after(() => device.endAsync(true));
  return {
    flow,
    send: (act) => device.publishAsync('devices/1/telemetry', JSON.stringify({ act }), { qos: 1 }),
    acts: () => flow.receiver.requests.map(({ body }) => (JSON.parse(body.toString()) as { act: string }).act),
  };
}

describe('a class that blocks or ends its thread', { skip: needs('mosquitto') }, () => {
  it('a read that never ends: its record is rejected, others flow, a reload answers, and SIGTERM ends it', async (t) => {
    const { flow, send, acts } = await started(t);
    const { gateway } = flow;
    for (const act of ['one', 'fifo', 'two']) await send(act);
    await until(() => acts().includes('two'), { timeoutMs: 30_000, what: 'the record after it' });
    const { items } = (await (await gateway.http('/v1/rejections')).json()) as { items: { reason: string }[] };
    assert.deepEqual(
      items.map(({ reason }) => reason),
      ['timeout'],
    );
    const told = gateway.logs.find(({ msg }) => msg === 'the contract thread was replaced');
    assert.match(String(told?.['detail']), /does not end.* left behind/);
    assert.match((await gateway.ops('/readyz?verbose')).text, /contracts: checking, threads that do not end: 1/);
    assert.equal((await gateway.ops('/livez')).status, 200);

    await send('fifo');
    assert.equal((await gateway.http('/v1/reload', { method: 'POST' })).status, 200);
    assert.equal(await gateway.metric('holdfast_link_reconnects_total'), 0);

    process.kill(gateway.pid, 'SIGTERM');
    const { signal } = await gateway.exit;
    assert.equal(signal, 'SIGKILL');
    assert.ok(gateway.logs.some(({ msg }) => msg === 'stopped'));
  });

  it('more such reads than it bears: livez fails, readyz says why, and a restart goes on', async (t) => {
    const { flow, send, acts } = await started(t);
    for (const act of ['fifo', 'fifo', 'fifo', 'fifo', 'after']) await send(act);
    await until(async () => (await flow.gateway.ops('/livez')).status === 503, {
      timeoutMs: 60_000,
      what: 'livez to fail',
    });
    assert.match((await flow.gateway.ops('/readyz?verbose')).text, /contracts: stopped, threads that do not end: 4/);
    assert.ok((await flow.gateway.metric('holdfast_unadmitted_records')) > 0);
    await flow.gateway.kill();
    await flow.restart();
    await until(() => acts().includes('after'), { timeoutMs: 30_000, what: 'the record after them' });
  });

  it('a thread that ends again and again after its checks: the gateway and its link stay', async (t) => {
    const { flow, send, acts } = await started(t);
    const waits = (): boolean =>
      flow.gateway.logs.some(({ msg }) => msg.startsWith('the contract thread keeps ending'));
    // More than one may be checked by a thread before it ends.
    for (let n = 1; n <= 40 && !waits(); n++) {
      await send('ends');
      await until(() => acts().length >= n, { timeoutMs: 60_000, what: `record ${n}` });
    }
    assert.ok(waits());
    await send('after');
    await until(() => acts().includes('after'), { timeoutMs: 60_000, what: 'the record after them' });
    assert.equal(flow.gateway.exited, undefined);
    assert.equal(await flow.gateway.metric('holdfast_link_reconnects_total'), 0);
  });
});
