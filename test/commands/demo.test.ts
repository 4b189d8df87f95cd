/** The demo, as a newcomer runs it: nothing else on the machine, readable output, a clean end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Child } from '../support/children.js';
import { ROOT } from '../tidy/tree.js';
import { until } from '../support/until.js';

describe('demo', () => {
  it('shows messages, rejections, a flaky app and its recovery, and ends at Ctrl-C', async (t) => {
    const demo = new Child('bin/holdfast', ['demo'], { cwd: ROOT });
    t.after(() => demo.stop('SIGKILL'));
    const shows = (text: string | RegExp, timeoutMs: number): Promise<unknown> =>
      until(() => (typeof text === 'string' ? demo.tail.includes(text) : text.test(demo.tail)), {
        timeoutMs,
        what: () => `${text}\n${demo.tail}`,
      });
    await shows('Ctrl-C ends it.', 15_000);
    await shows('the audit app works again', 30_000);
    await shows('pump-1 received the command', 15_000);
    await shows(/ up +\d+ +[1-9]\d* +[1-9]\d* .* active/, 15_000);
    const rest = /REST (http:\S+),/.exec(demo.tail)![1]!;
    const { items } = (await (await fetch(`${rest}/v1/rejections`)).json()) as { items: object[] };
    assert.ok(items.length > 0);
    assert.deepEqual(await demo.stop('SIGINT'), { code: 0, signal: null });
    assert.match(demo.tail, /Received by billing: [1-9]\d*, by audit: [1-9]\d*\.\n$/);
    for (const line of demo.tail.split('\n')) assert.ok(line.length <= 300, `a line is too long: ${line}`);
  });
});
