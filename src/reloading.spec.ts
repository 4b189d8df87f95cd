import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { scratchDirectory } from '../test/support/scratch.js';
import { loadSettings } from './config/index.js';
import type { FilesRead } from './contract/index.js';
import { frameOf, type ContractFrame } from './contracts-in-force.js';
import { HoldfastError } from './domain/errors.js';
import type { HttpSettings, Settings, SubscriptionSettings } from './domain/settings.js';
import type { SubscriberSettings } from './domain/subscriber.js';
import { ReloadMetrics } from './ops/index.js';
import type { Failed, Unfit } from './registration/index.js';
import { Reloading } from './reloading.js';
import { tryContracts } from './threads/contract-trial.js';

/** Reloading over a file of its own, and contracts that only remember what they were given. */
class Scene {
  readonly directory = scratchDirectory('reloading');
  readonly file = join(this.directory, 'gateway.yaml');
  readonly schema = join(this.directory, 'a.json');
  readonly log: { [field: string]: unknown }[] = [];
  readonly registry = new Registry();
  readonly replaced: ContractFrame[] = [];
  readonly served: HttpSettings[] = [];
  /** What the link was told. */
  readonly subscribed: SubscriptionSettings[][] = [];
  /** How many frames and which subscribers there were when the link was told. */
  readonly met: [frames: number, subscribers: string][] = [];
  /** What the file's subscribers were put in force as. */
  configured: SubscriberSettings[] = [];
  unfit: Unfit[] = [];
  /** Whose change fails, and how. */
  failed: Failed[] = [];
  /** How each went. */
  readonly told: string[] = [];
  /** Why the next replacement fails. */
  fault: Error | undefined;
  /** Why the link, or who serves subscribers, cannot be told. */
  deaf: Error | undefined;
  loads = 0;
  reloading!: Reloading;
  settings!: Settings;

  static async start(t: TestContext): Promise<Scene> {
    const scene = new Scene();
    scene.write('one');
    writeFileSync(scene.file, 'broker: { url: mqtt://localhost }\ncontracts: { a: { schema: a.json } }\n');
    const loaded = loadSettings(scene.file, {});
    assert.ok('settings' in loaded);
    scene.settings = loaded.settings;
    const inForce = {
      frame: frameOf(loaded.settings),
      files: (await tryContracts(loaded.settings.contracts)).files,
      replace: (frame: ContractFrame, files: FilesRead) => {
        if (scene.fault) return Promise.reject(scene.fault);
        scene.replaced.push(frame);
        Object.assign(inForce, { frame, files });
        return Promise.resolve();
      },
    };
    const load = (): ReturnType<typeof loadSettings> => {
      scene.loads++;
      return loadSettings(scene.file, {});
    };
    scene.reloading = new Reloading({
      source: { file: scene.file, load, files: loaded.files },
      ...{ settings: loaded.settings, secrets: loaded.secrets, contracts: inForce },
      subscribers: () => ({
        configured: scene.configured,
        unfit: () => scene.unfit,
        configure: (next) => {
          if (scene.deaf) return Promise.reject(scene.deaf);
          const before = scene.configured;
          const asItWas = (id: string): boolean => scene.failed.some((one) => one.id === id);
          scene.configured = [...next.filter(({ id }) => !asItWas(id)), ...before.filter(({ id }) => asItWas(id))];
          return Promise.resolve(scene.failed);
        },
      }),
      resubscribe: (subscriptions) => {
        if (scene.deaf) return Promise.reject(scene.deaf);
        scene.subscribed.push(subscriptions);
        scene.met.push([scene.replaced.length, scene.configured.map(({ id }) => id).join()]);
        return Promise.resolve();
      },
      replaceHttp: (http) => scene.served.push(http),
      metrics: new ReloadMetrics(scene.registry, () => 5_000),
      told: ({ result }) => scene.told.push(result),
      logger: pino({}, { write: (line: string) => scene.log.push(JSON.parse(line) as object as never) }),
    });
    t.after(() => scene.reloading.stop());
    return scene;
  }

  write(required: string): void {
    writeFileSync(
      this.schema,
      JSON.stringify({ type: 'object', properties: { [required]: {} }, required: [required] }),
    );
  }

  async count(result: string): Promise<number> {
    return this.figure(`holdfast_config_reloads_total{result="${result}"}`);
  }

  async figure(series: string): Promise<number> {
    const line = (await this.registry.metrics()).split('\n').find((one) => one.startsWith(`${series} `));
    return Number(line?.split(' ').at(-1));
  }
}

describe('reloading', () => {
  it('those who ask while one waits get its answer; one runs at a time', async (t) => {
    const scene = await Scene.start(t);
    const asked = Array.from({ length: 10 }, () => scene.reloading.reload('api'));
    scene.write('two');
    const results = (await Promise.all(asked)).map(({ result }) => result);
    assert.ok(results.every((result) => result === 'applied'));
    assert.equal(scene.loads, 1);
    const [first, second] = [scene.reloading.reload('api'), scene.reloading.reload('signal')];
    await Promise.all([first, second]);
    assert.equal(scene.replaced.length, 1);
  });

  it('files that are as they were are nothing to tell of, unless somebody asked', async (t) => {
    const scene = await Scene.start(t);
    scene.write('one');
    assert.deepEqual(await scene.reloading.reload('file'), { result: 'unchanged', changed: [], needsRestart: [] });
    assert.deepEqual([scene.log.length, await scene.count('unchanged')], [0, 0]);
    await scene.reloading.reload('api');
    assert.deepEqual([scene.log.length, await scene.count('unchanged')], [1, 1]);
  });

  it('tokens are in force without a word to the contracts; with contracts that are refused they stay as they were', async (t) => {
    const scene = await Scene.start(t);
    const config = (token: string): string =>
      `broker: { url: mqtt://localhost }\ncontracts: { a: { schema: a.json } }\nhttp: { auth: { tokens: [${token}] } }\n`;
    const token = (name: string): string => `{ name: ${name}, token: ${name}-and-sixteen-more, scopes: [read] }`;
    scene.settings.http.auth = { tokens: [{ name: 'one', token: 'one-and-sixteen-more', scopes: ['read'] }] };
    writeFileSync(scene.file, config(token('two')));
    const { changed, needsRestart } = await scene.reloading.reload('signal');
    assert.deepEqual([changed, needsRestart, scene.replaced], [['http.auth'], [], []]);
    assert.deepEqual(scene.served.at(-1)!.auth, {
      tokens: [{ name: 'two', token: 'two-and-sixteen-more', scopes: ['read'] }],
    });
    assert.equal((await scene.reloading.reload('api')).result, 'unchanged');
    writeFileSync(scene.file, config(token('three')));
    writeFileSync(scene.schema, '{');
    await assert.rejects(scene.reloading.reload('file'));
    assert.equal(scene.served.length, 1);
    assert.doesNotMatch(JSON.stringify(scene.log), /sixteen/);
  });

  it('subscriptions: the link is told once their contracts are in force, and not at all of contracts that cannot be', async (t) => {
    const scene = await Scene.start(t);
    const put = (...filters: string[]): void => {
      const subscriptions = JSON.stringify(filters.map((filter) => ({ filter, contract: 'a' })));
      const contracts = 'contracts: { a: { schema: a.json } }';
      writeFileSync(scene.file, `broker: { url: mqtt://localhost }\n${contracts}\nsubscriptions: ${subscriptions}\n`);
    };
    const told = (): string[] => scene.subscribed.map((all) => all.map(({ filter }) => filter).join());
    put('a', 'b');
    scene.fault = new Error('it ended');
    await assert.rejects(scene.reloading.reload('api'));
    assert.deepEqual(told(), []);
    scene.fault = undefined;
    const { changed, needsRestart } = await scene.reloading.reload('api');
    assert.deepEqual([changed, needsRestart, told()], [['subscriptions.a', 'subscriptions.b'], [], ['a,b']]);
    assert.equal(scene.replaced.length, 1);
    put('b', 'a');
    assert.deepEqual((await scene.reloading.reload('api')).changed, ['the order of subscriptions']);
    scene.write('two');
    await scene.reloading.reload('api');
    put('c', 'c/+/d');
    await scene.reloading.reload('api');
    assert.deepEqual(told(), ['a,b', 'b,a', 'c,c/+/d']);
    put('c', 'c/#');
    await assert.rejects(scene.reloading.reload('api'), /one problem/);
    assert.equal(told().length, 3);
    for (const group of ['one', 'two']) {
      put(...Array.from({ length: 500 }, (_, i) => `${group}/${i}`));
      await scene.reloading.reload('api');
    }
    put();
    await assert.rejects(scene.reloading.reload('api'), (error: { details: object }) => {
      const { problems } = error.details as { problems: { path: string; message: string }[] };
      assert.match(`${problems[0]!.path} ${problems[0]!.message}`, /^subscriptions would be more than 1000/);
      return true;
    });
  });

  it('refused: problems in the file, contracts that do not load, contracts the thread cannot be given', async (t) => {
    const scene = await Scene.start(t);
    const refused = async (path: string): Promise<void> => {
      await assert.rejects(scene.reloading.reload('api'), (error: { code: string; details: object }) => {
        assert.equal(error.code, 'RELOAD_REFUSED');
        const { problems } = error.details as { problems: { path: string; line: number; mend: string }[] };
        assert.deepEqual([problems[0]!.path, problems[0]!.line > 0, problems[0]!.mend !== ''], [path, true, true]);
        return true;
      });
      assert.equal(await scene.figure('holdfast_config_last_reload_successful'), 0);
      assert.equal(scene.replaced.length, 0);
    };
    writeFileSync(scene.schema, '{');
    await refused('contracts.a.schema');
    scene.write('two');
    scene.fault = new Error('it ended');
    await refused('contracts');
    writeFileSync(scene.file, 'broker: { url: mqtt://localhost }\ncontract: {}\n');
    await refused('contract');
    assert.equal(await scene.count('refused'), 3);
    assert.equal(scene.log.filter(({ msg }) => String(msg).includes('the old one stays in force')).length, 3);
  });

  it('a filter and its subscriber come together: the link is told last', async (t) => {
    const scene = await Scene.start(t);
    const subscriber = "{ id: app, url: 'http://localhost:1', topics: [a] }";
    const contracts = 'contracts: { a: { schema: a.json } }';
    writeFileSync(
      scene.file,
      `broker: { url: mqtt://localhost }\n${contracts}\nsubscriptions: [{ filter: a, contract: a }]\nsubscribers: [${subscriber}]\n`,
    );
    await scene.reloading.reload('api');
    assert.deepEqual(scene.met, [[1, 'app']]);
  });

  it('subscribers: those that cannot be had are refused with all else; those that fail are tried again', async (t) => {
    const scene = await Scene.start(t);
    const secret = 'Bearer and-secret';
    const subscriber = (id: string): string =>
      `  - { id: ${id}, url: 'http://localhost', topics: ['#'], headers: { authorization: ${secret} } }\n`;
    const text = `broker: { url: mqtt://localhost }\ncontracts: { a: { schema: a.json } }\nsubscribers:\n`;
    writeFileSync(scene.file, `${text}${subscriber('one')}${subscriber('two')}`);
    scene.write('two');
    scene.unfit = [{ index: 1, message: 'is taken', mend: 'Take another.' }];
    const refused = await scene.reloading.reload('api').catch((error: HoldfastError) => error);
    assert.deepEqual(
      [(refused as HoldfastError).code, (refused as HoldfastError).details['problems']],
      [
        'RELOAD_REFUSED',
        [{ path: 'subscribers[1].id', line: 5, column: 11, message: 'is taken', mend: 'Take another.' }],
      ],
    );
    assert.deepEqual([scene.replaced.length, scene.configured], [0, []]);
    scene.unfit = [];
    scene.failed = [{ id: 'two', error: new HoldfastError('JOURNAL_FULL', 'no room') }];
    const part = (await scene.reloading.reload('api').catch((error: unknown) => error)) as HoldfastError;
    assert.equal(part.code, 'RELOAD_INCOMPLETE');
    const { changed, problems } = part.details as { changed: string[]; problems: { path: string; line: number }[] };
    assert.deepEqual(changed, ['a.json', 'subscribers.one']);
    assert.deepEqual([problems[0]!.path, problems[0]!.line], ['subscribers.two', 5]);
    assert.equal(await scene.count('incomplete'), 1);
    assert.equal(await scene.figure('holdfast_config_last_reload_successful'), 0);
    scene.failed = [];
    assert.deepEqual((await scene.reloading.reload('api')).changed, ['subscribers.two']);
    assert.equal(await scene.figure('holdfast_config_last_reload_successful'), 1);
    writeFileSync(scene.file, text.replace('subscribers:', 'subscribers: []'));
    assert.deepEqual((await scene.reloading.reload('api')).changed, ['subscribers.one', 'subscribers.two']);
    assert.doesNotMatch(JSON.stringify([scene.log, part.details]), /and-secret/);
  });

  it('what fails once the contracts are in force is told, counted, and tried again', async (t) => {
    const scene = await Scene.start(t);
    const rest = "contract: a }]\nsubscribers: [{ id: app, url: 'http://localhost:1', topics: [a] }]\n";
    const put = (filter: string): void =>
      writeFileSync(
        scene.file,
        `broker: { url: mqtt://localhost }\ncontracts: { a: { schema: a.json } }\nsubscriptions: [{ filter: ${filter}, ${rest}`,
      );
    put('a');
    scene.write('two');
    scene.deaf = new Error('its thread has ended');
    const part = (await scene.reloading.reload('file').catch((error: unknown) => error)) as HoldfastError;
    const { changed, problems } = part.details as { changed: string[]; problems: { [field: string]: unknown }[] };
    assert.deepEqual([part.code, changed], ['RELOAD_INCOMPLETE', ['a.json']]);
    assert.deepEqual(
      problems.map(({ path, line, message }) => [path, line, message]),
      [
        ['subscribers.app', 4, 'Error: its thread has ended'],
        ['subscriptions', 3, 'the link could not be told: its thread has ended'],
      ],
    );
    assert.deepEqual([await scene.count('incomplete'), scene.reloading.last.result], [1, 'incomplete']);
    assert.ok(scene.log.some(({ problem }) => String(problem).includes('its thread has ended')));
    scene.deaf = undefined;
    assert.deepEqual((await scene.reloading.reload('api')).changed, ['subscribers.app', 'subscriptions']);
    assert.deepEqual(
      scene.subscribed.at(-1)!.map(({ filter }) => filter),
      ['a'],
    );
    assert.equal((await scene.reloading.reload('api')).result, 'unchanged');
    put('b');
    scene.deaf = new Error('its thread has ended');
    const { loads } = scene;
    const stopped = scene.reloading.reload('api');
    while (scene.loads === loads) await new Promise((resolve) => setImmediate(resolve));
    scene.reloading.stop();
    await assert.rejects(stopped, { code: 'SHUTTING_DOWN' });
    assert.equal(await scene.count('incomplete'), 1);
  });

  it('what was refused and is mended by putting it back is told to be well again', async (t) => {
    const scene = await Scene.start(t);
    writeFileSync(scene.schema, '');
    await assert.rejects(scene.reloading.reload('file'));
    scene.write('one');
    assert.equal((await scene.reloading.reload('file')).result, 'unchanged');
    assert.equal(await scene.count('unchanged'), 1);
    assert.equal(await scene.figure('holdfast_config_last_reload_successful'), 1);
    assert.equal(await scene.figure('holdfast_config_last_reload_success_timestamp_seconds'), 5);
  });
});

describe('a trial of contracts', () => {
  it('ends with a module that spins, or awaits what never happens, while it is loaded', async () => {
    const directory = scratchDirectory('trial');
    for (const [name, text] of [
      ['spins', 'for (;;);'],
      ['waits', 'setInterval(() => undefined, 1_000); await new Promise(() => undefined);'],
      ['ends', 'process.exit(3);'],
      ['never', 'await new Promise(() => undefined);'],
    ] as const) {
      const file = join(directory, `${name}.mjs`);
      writeFileSync(file, `${text}\nexport class A {}`);
      const contract = { name, format: 'json', class: { file, export: 'A' }, mode: 'enforce' } as const;
      const fine = { name: 'fine', format: 'json', mode: 'enforce' } as const;
      const wrong = { ...fine, name: 'wrong', schemaFile: join(directory, 'nowhere.json') };
      const { problems } = await tryContracts([fine, wrong, contract], { stallMs: 500, loadMsMax: 3_000 });
      assert.deepEqual(
        problems.map((one) => one.contract),
        ['wrong', name],
      );
      assert.match(problems[1]!.message, /^cannot be loaded: /);
    }
  });
});
