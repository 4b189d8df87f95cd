import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

/** Passes `journaled` five times, a number each time, as `HOLDFAST_FAILPOINT` says. */
function run(armed: string | undefined, step = 1): { signal: string | null; passed: number } {
  const module = JSON.stringify(new URL('./failpoint.js', import.meta.url).href);
  const script = `import { writeSync } from 'node:fs';
    import { failpoint } from ${module};
    for (let i = 0; i < 5; i++) { failpoint('journaled', ${step}); writeSync(1, '.'); }`;
  const env = { ...process.env };
  delete env['HOLDFAST_FAILPOINT'];
  if (armed !== undefined) env['HOLDFAST_FAILPOINT'] = armed;
  const { signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env });
  return { signal, passed: stdout.length };
}

describe('failpoints', () => {
  it('kill at the pass that was asked for', () => {
    assert.deepEqual(run('journaled:3'), { signal: 'SIGKILL', passed: 2 });
    assert.deepEqual(run('journaled'), { signal: 'SIGKILL', passed: 0 });
  });

  it('count a batch by its size', () => {
    assert.deepEqual(run('journaled:25', 10), { signal: 'SIGKILL', passed: 2 });
  });

  it('do nothing when another is armed, or none', () => {
    assert.deepEqual(run('acked:1'), { signal: null, passed: 5 });
    assert.deepEqual(run(undefined), { signal: null, passed: 5 });
  });
});
