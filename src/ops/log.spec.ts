import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import type { Settings } from '../domain/settings.js';
import { nestLogger } from './log.js';

const MODULE = new URL('./log.js', import.meta.url).href;

/** What a process that logs this writes to its standard output. */
function written(log: Settings['log'], terminal: boolean, more = ''): string {
  const script = `import { createLogger } from '${MODULE}';
const logger = createLogger(${JSON.stringify(log)}, ${terminal});
logger.debug('too quiet');
logger.info({ broker: { password: 'hunter2' }, req: { headers: { authorization: 'Bearer hunter2' } }, a: 1 }, 'first');
${more}
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

  it('no control character is written as it is, in a field, a message or an error; the rest is', () => {
    const hostile = 'a\x1b[2J\x07\x7f\x9b2J\u2028\u2029\u202e\u2066\u200fb\rc Zoë “\\u0041” \t\n{"level":"fatal"}';
    const more = `const text = ${JSON.stringify(hostile)};
logger.warn({ topic: text, err: new Error(text) }, text);`;
    const json = written({ level: 'info', format: 'json' }, false, more);
    const pretty = written({ level: 'info', format: 'pretty' }, false, more);
    const coloured = written({ level: 'info', format: 'auto' }, true, more);
    for (const text of [json, pretty, coloured.replaceAll(/\p{Cc}\[\d+m/gu, '')]) {
      assert.doesNotMatch(text, /[^\P{Cc}\n\t]|[\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
      assert.match(text, /Zoë “/);
    }
    const { topic } = JSON.parse(json.trim().split('\n')[1]!) as { topic: string };
    assert.equal(topic, hostile, 'JSON says the same as before');
    assert.match(pretty, /WARN.*: a\\u001b\[2J\\u0007\\u007f\\u009b2J\\u2028/);
    assert.doesNotMatch(pretty, /^\{"level/m, 'a message is one line');
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
