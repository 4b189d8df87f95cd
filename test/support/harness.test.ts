/** The harness itself: a test tool that says yes to everything would make every other test worthless. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Child } from './children.js';
import { gatewayConfig } from './gateway-config.js';
import { startGateway, type GatewayStart } from './gateway-process.js';
import { metricSum, parseMetrics } from './metrics-text.js';
import { needs } from './needs.js';
import { scratchDirectory } from './scratch.js';
import { readSeed, seededRandom } from './seed.js';
import { mountTmpfs } from './tmpfs.js';
import { until } from './until.js';

describe('until', () => {
  it('fails at its limit, with what was waited for and the last error', async () => {
    const failing = until(() => Promise.reject(new Error('not yet')), { timeoutMs: 30, everyMs: 5, what: 'the moon' });
    await assert.rejects(failing, (error: Error) => {
      assert.match(error.message, /30 ms in vain for the moon/);
      return (error.cause as Error).message === 'not yet';
    });
  });

  it('resolves with the first truthy answer', async () => {
    let asked = 0;
    assert.equal(await until(() => (++asked === 3 ? 'yes' : undefined), { everyMs: 1, what: 'an answer' }), 'yes');
  });
});

describe('seed', () => {
  it('refuses what is not a seed', () => {
    for (const text of ['-1', '1.5', 'x', String(2 ** 31)]) assert.throws(() => readSeed(text), RangeError, text);
  });

  it('repeats its choices, and differs for another seed or offset', () => {
    const numbers = (offset: number, from: number): number[] => Array.from({ length: 5 }, seededRandom(offset, from));
    assert.deepEqual(numbers(0, 7), numbers(0, 7));
    assert.notDeepEqual(numbers(0, 7), numbers(0, 8));
    assert.notDeepEqual(numbers(0, 7), numbers(1, 7));
    assert.ok(numbers(3, 9).every((n) => n >= 0 && n < 1));
  });
});

describe('metrics text', () => {
  it('sums the series that carry the labels, and says when there is none', () => {
    const text =
      '# HELP a_total x\na_total{cause="x",to="1"} 2\na_total{cause="x",to="2"} 3\na_total{cause="y",to="1"} 5\nb 1e3\n';
    const metrics = parseMetrics(text);
    assert.equal(metricSum(metrics, 'a_total', { cause: 'x' }), 5);
    assert.equal(metricSum(metrics, 'a_total'), 10);
    assert.equal(metricSum(metrics, 'b'), 1_000);
    assert.equal(metricSum(metrics, 'a', {}), undefined);
    assert.equal(metricSum(metrics, 'a_total', { cause: 'z' }), undefined);
  });
});

describe('children', () => {
  it('says so when a program does not exist', async () => {
    const child = new Child('/nowhere/program', []);
    assert.deepEqual(await child.exit, { code: null, signal: null });
    assert.match(child.tail, /ENOENT/);
  });

  it('a process that ignores SIGTERM is killed after its grace', async () => {
    let ready = false;
    const script = "process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000)";
    const child = new Child(process.execPath, ['-e', script], { onLine: () => (ready = true) });
    await until(() => ready, { what: 'the child' });
    assert.deepEqual(await child.stop('SIGTERM', 100), { code: null, signal: 'SIGKILL' });
  });

  it('what a test process starts does not outlive it', async () => {
    let inner = 0;
    const module = JSON.stringify(new URL('./children.js', import.meta.url).href);
    const script = `import { Child } from ${module};
      console.log(new Child(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).pid); process.exit(0);`;
    const outer = new Child(process.execPath, ['--input-type=module', '-e', script], {
      onLine: (line) => (inner = Number(line)),
    });
    await outer.exit;
    assert.ok(inner > 0, outer.tail);
    await until(() => !isRunning(inner), { what: `process ${inner} to end` });
  });
});

describe('gateway process', () => {
  const fake = join(scratchDirectory('fake'), 'fake-gateway.mjs');
  writeFileSync(fake, fakeGateway());
  const start = async (env: { [name: string]: string }, more: GatewayStart = {}) =>
    startGateway(await gatewayConfig(), { main: fake, env, timeoutMs: 10_000, ...more });

  it('fails at once, with the log, when it ends before it is ready', async () => {
    const startedAt = performance.now();
    await assert.rejects(start({ FAKE: 'exit' }), (error: Error) => {
      assert.match(error.message, /"code":3/);
      assert.match(error.message, /cannot start/);
      return true;
    });
    assert.ok(performance.now() - startedAt < 9_000);
  });

  it('fails when it is never ready, and leaves nothing running', async () => {
    let pid = 0;
    await assert.rejects(start({ FAKE: 'never' }, { timeoutMs: 1_000 }), (error: Error) => {
      pid = Number(/"pid":(\d+)/.exec(error.message)?.[1]);
      return /in vain for the gateway to start/.test(error.message);
    });
    await until(() => !isRunning(pid), { what: `process ${pid} to end` });
  });

  it('reads its probes, metrics, log and exit code', async () => {
    const gateway = await start({}, { until: 'link' });
    assert.equal((await gateway.ops('/readyz')).status, 503);
    assert.equal(await gateway.metric('holdfast_link_up'), 1);
    assert.equal(gateway.logs[0]!.msg, 'started');
    assert.match(gateway.tail, /not JSON/);
    assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
  });

  it(
    'under another program it is stopped as usual, and its own exit code shows',
    { skip: needs('faketime') },
    async () => {
      const gateway = await start({}, { wrap: ['faketime', '-f', '+1d'] });
      assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
      const killed = await start({}, { wrap: ['faketime', '-f', '+1d'] });
      const { pid } = killed;
      await killed.kill();
      await until(() => !isRunning(pid), { what: `process ${pid} to end` });
    },
  );

  it('a kill shows as one', async () => {
    const gateway = await start({});
    assert.deepEqual(await gateway.kill(), { code: null, signal: 'SIGKILL' });
    await assert.rejects(gateway.ops('/readyz'));
  });
});

describe('tmpfs', { skip: needs('tmpfs') }, () => {
  it('is as small as asked, grows, and is gone afterwards', () => {
    const small = mountTmpfs(1 << 20);
    after(() => small.unmount());
    const file = join(small.directory, 'file');
    assert.throws(() => writeFileSync(file, Buffer.alloc(2 << 20)), { code: 'ENOSPC' });
    small.resize(4 << 20);
    writeFileSync(file, Buffer.alloc(2 << 20));
    const { bsize, blocks } = statfsSync(small.directory);
    assert.equal(bsize * blocks, 4 << 20);
    assert.ok(existsSync(file));
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Inside a container nobody may collect what has ended.
  const status = `/proc/${pid}/stat`;
  return !(existsSync(status) && / Z /.test(readFileSync(status, 'utf8')));
}

/** Answers like a gateway, or misbehaves as the variable FAKE says. */
function fakeGateway(): string {
  return `
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
const log = (msg) => console.log(JSON.stringify({ level: 'info', pid: process.pid, msg }));
if (process.env.FAKE === 'exit') { log('cannot start'); process.exit(3); }
log('started');
console.log('this is not JSON');
const text = readFileSync(process.argv.at(-1), 'utf8');
const port = Number(/ops:[^]*?port: (\\d+)/.exec(text)[1]);
createServer((request, response) => {
  if (request.url === '/metrics') return response.end('holdfast_link_up 1\\n');
  const ready = process.env.FAKE !== 'never' && request.url === '/startupz';
  response.writeHead(ready ? 200 : 503).end();
}).listen(port, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;
}
