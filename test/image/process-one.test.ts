/** Process 1 has no defaults for signals, and nobody behind it: whatever it does not do is not done. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { connectAsync } from 'mqtt';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { ground, ready, start } from './ground.js';

/** Tells when the program begins to listen to SIGTERM, and after how much code. */
const TELLING = `
import { registerHooks } from 'node:module';
let modules = 0;
registerHooks({ load: (url, context, next) => (modules++, next(url, context)) });
process.on('newListener', (name) => name === 'SIGTERM' && console.error('listens after ' + modules));
`;
/** The program's first file, and what it needs to listen. */
const MODULES_MAX = 10;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(TELLING)}`;
/** Killed with SIGKILL, an end would show a signal. */
const GRACE_MS = 15_000;

describe('process 1', { skip: needs('mosquitto', 'tmpfs') }, () => {
  it('a SIGTERM while it is being loaded is not lost', async (t) => {
    const place = await ground(t);
    const gateway = start(t, place, { NODE_OPTIONS });
    const listens = (): RegExpExecArray | null => /listens after (\d+)/.exec(gateway.tail);
    const [, modules] = await until(listens, { everyMs: 1, what: () => gateway.tail });
    assert.ok(Number(modules) <= MODULES_MAX, `${modules} were loaded before`);
    const { code, signal } = await gateway.stop(GRACE_MS);
    assert.equal(signal, null);
    // 0: it had begun to start by the time it heard of it, and stopped in order.
    if (code !== 0) assert.equal(code, 143, gateway.tail);
    if (code !== 0) assert.deepEqual(readdirSync(place.data), []);
  });

  it('a SIGTERM while it starts ends it in order', async (t) => {
    const place = await ground(t);
    const gateway = start(t, place);
    const begun = (): boolean => gateway.exited !== undefined || readdirSync(place.data).length > 0;
    await until(begun, { everyMs: 1, what: () => gateway.tail });
    assert.deepEqual(await gateway.stop(GRACE_MS), { code: 0, signal: null }, gateway.tail);
  });

  it('SIGINT ends it in order, too', async (t) => {
    const place = await ground(t);
    const gateway = start(t, place);
    await ready(gateway, place);
    gateway.signal('SIGINT');
    assert.deepEqual(await gateway.exit, { code: 0, signal: null }, gateway.tail);
  });

  it('a second SIGTERM ends it at once', async (t) => {
    const place = await ground(t);
    place.receiver.answer = () => ({ hang: true });
    const gateway = start(t, place);
    await ready(gateway, place);
    const device = await connectAsync(place.broker.url);
    t.after(() => device.endAsync(true));
    // Again and again, because the subscription may not be there yet.
    const sends = async (): Promise<boolean> => {
      await device.publishAsync('in/json', '{"gwId":"gw-7"}', { qos: 1 });
      return place.receiver.requests.length > 0;
    };
    await until(sends, { what: 'an attempt that hangs' });
    gateway.signal('SIGTERM');
    await until(() => gateway.tail.includes('a second signal ends it at once'), { what: () => gateway.tail });
    gateway.signal('SIGTERM');
    assert.deepEqual(await gateway.exit, { code: 1, signal: null }, gateway.tail);
  });
});
