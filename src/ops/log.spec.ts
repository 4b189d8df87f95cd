import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import type { Settings } from '../domain/settings.js';
import { nestLogger } from './log.js';

const MODULE = new URL('./log.js', import.meta.url).href;

/** What a process that logs this writes to its standard output. */
function written(log: Settings['log'], terminal: boolean): string {
  const script = `import { createLogger } from '${MODULE}';
const logger = createLogger(${JSON.stringify(log)}, ${terminal});
logger.debug('too quiet');
logger.info({ broker: { password: 'hunter2' }, req: { headers: { authorization: 'Bearer hunter2' } }, a: 1 }, 'first');
logger.fatal('last');
process.exit(1);`;
  try {
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe('the log', () => {
  it('is JSON lines where nobody looks: level in words, ISO time, no secret, the last line before an exit', () => {
    const lines = written({ level: 'info', format: 'auto' }, false).trim().split('\n');
    const [first, last] = lines.map((line) => JSON.parse(line) as { [name: string]: unknown });
    assert.equal(lines.length, 2);
    assert.deepEqual([first!['level'], first!['msg'], first!['a'], last!['msg']], ['info', 'first', 1, 'last']);
    assert.equal(new Date(first!['time'] as string).toISOString(), first!['time']);
    assert.doesNotMatch(lines.join(), /hunter2|too quiet/);
  });

  it('is readable on a terminal, or when asked to be, and holds no secret there either', () => {
    for (const [format, terminal] of [
      ['auto', true],
      ['pretty', false],
    ] as const) {
      const text = written({ level: 'info', format }, terminal);
      assert.match(text, /INFO.*first[^]*FATAL.*last/);
      assert.doesNotMatch(text, /hunter2|^\{/);
    }
  });

  it('what Nest says of its wiring is for whoever debugs it; its warnings are for everyone', () => {
    const levels: string[] = [];
    const sink = { write: (line: string): unknown => levels.push((JSON.parse(line) as { level: string }).level) };
    const logger = pino({ level: 'trace', formatters: { level: (level) => ({ level }) } }, sink);
    const nest = nestLogger(logger);
    nest.log('mapped', 'Router');
    nest.debug!('d', 'Router');
    nest.verbose!('v', 'Router');
    nest.warn('w', 'Router');
    nest.error('e', 'stack', 'Router');
    nest.fatal!('f', 'Router');
    assert.deepEqual(levels, ['debug', 'debug', 'trace', 'warn', 'error', 'fatal']);
  });
});
