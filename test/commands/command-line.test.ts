/** What the command line says and how it ends. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Child } from '../support/children.js';
import { gatewayConfig } from '../support/gateway-config.js';
import { GATEWAY_MAIN, startGateway } from '../support/gateway-process.js';
import { scratchDirectory } from '../support/scratch.js';
import { until } from '../support/until.js';

describe('command line', () => {
  it('bad usage ends with 2 and shows how it is used', async () => {
    for (const args of [[], ['fly'], ['check', 'twice'], ['check', '--nope'], ['constructor']]) {
      const { code, text } = await holdfast(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(text, /Usage: holdfast/);
    }
    const { code, text } = await holdfast('--help');
    assert.equal(code, 0);
    assert.match(text, /start .*\n.*check/);
    assert.match((await holdfast('--version')).text, /^\d+\.\d+\.\d+\n$/);
  });

  it('check names every problem with its line and a mend, and starts nothing', async () => {
    const file = configFile(
      'broker: { url: "ftp://x" }\nsesion: {}\nsubscribers:\n  - { id: a, url: 3, topics: [] }\n',
    );
    const { code, text } = await holdfast('check', '--config', file);
    assert.equal(code, 2);
    for (const place of [
      ':1:16  broker.url',
      ':2:1  sesion',
      ':4:19  subscribers[0].url',
      ':4:30  subscribers[0].topics',
    ]) {
      assert.ok(text.includes(`${file}${place}`), `${place} in\n${text}`);
    }
    assert.match(text, /Did you mean "session"\?/);
    assert.match(text, /problems\.\n$/);
    assert.ok(!text.includes('\u001b['), 'no colours where there is no terminal');
    assert.equal((await holdfast('check', '--config', '/nowhere.yaml')).code, 2);
  });

  it('check compiles the contracts', async () => {
    const directory = scratchDirectory('contracts');
    writeFileSync(join(directory, 'bad.json'), '{"type":"strin"}');
    const config = `broker: { url: mqtt://b }\nsubscriptions: [{ filter: a, contract: c }]\ncontracts: { c: { schema: ${directory}/bad.json } }\n`;
    const { code, text } = await holdfast('check', '--config', configFile(config));
    assert.equal(code, 2);
    assert.match(text, /contracts\.c\.schema .*is no schema of its draft/);
  });

  it('start with a bad file ends with 2 and says the same as check', async () => {
    const file = configFile('broker: { url: mqtt://b, keepalive: 3s }\n');
    const [started, checked] = [await holdfast('start', '-c', file), await holdfast('check', '-c', file)];
    assert.equal(started.code, 2);
    assert.match(started.text, /broker\.keepalive +unknown key/);
    assert.ok(checked.text.startsWith(started.text));
  });

  it('a second owner of the data directory is refused with a clear error; so is another client id', async (t) => {
    const config = await gatewayConfig({ broker: { url: 'mqtt://127.0.0.1:1' } });
    const gateway = await startGateway(config);
    t.after(() => gateway.kill());
    const elsewhere = await gatewayConfig({
      broker: { url: 'mqtt://127.0.0.1:1' },
      journal: { directory: join(gateway.directory, 'data') },
    });
    const second = await startGateway(elsewhere, { until: 'none' });
    assert.deepEqual(await second.exit, { code: 1, signal: null });
    const fatal = second.logs.find(({ level }) => level === 'fatal')!;
    assert.equal(fatal['code'], 'JOURNAL_LOCKED');
    assert.match(String(fatal['hint']), /Another process owns this data directory/);

    assert.deepEqual(await gateway.stop(), { code: 0, signal: null });
    const renamed = { ...config, session: { clientId: 'another' } };
    const third = await startGateway(renamed, { until: 'none', directory: gateway.directory });
    assert.deepEqual(await third.exit, { code: 2, signal: null });
    assert.equal(third.logs.find(({ level }) => level === 'fatal')!['code'], 'CLIENT_ID_CHANGED');
    const adopting = { ...config, session: { clientId: 'another', adopt: true } };
    const fourth = await startGateway(adopting, { directory: gateway.directory });
    assert.deepEqual(await fourth.stop(), { code: 0, signal: null });
  });

  it('a broker that is away delays nothing: probes are answered, REST is there', async (t) => {
    const gateway = await startGateway(await gatewayConfig({ broker: { url: 'mqtt://127.0.0.1:1' } }));
    t.after(() => gateway.kill());
    for (const probe of ['/startupz', '/livez', '/readyz']) assert.equal((await gateway.ops(probe)).status, 200, probe);
    assert.match((await gateway.ops('/readyz?verbose')).text, /\[-\] link: down \(not required\)/);
    await until(
      async () => (await gateway.metric('holdfast_link_refused_total', { cause: 'broker-unreachable' })) > 0,
      { what: 'the refusal to be counted' },
    );
    const { drops } = (await (await gateway.http('/v1/link')).json()) as { drops: { cause: string; mend: string }[] };
    assert.equal(drops[0]!.cause, 'broker-unreachable');
    assert.match(drops[0]!.mend, /broker runs/);
  });
});

async function holdfast(...args: string[]): Promise<{ code: number | null; text: string }> {
  const child = new Child(process.execPath, [GATEWAY_MAIN, ...args]);
  const { code } = await child.exit;
  return { code, text: child.tail };
}

function configFile(text: string): string {
  const file = join(scratchDirectory('config'), 'gateway.yaml');
  writeFileSync(file, text);
  return file;
}
