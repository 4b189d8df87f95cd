import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Record } from '../domain/record.js';
import type { ContractSettings } from '../domain/contract.js';
import { ContractThread } from './contract-thread.js';
import type { ContractThreadOptions } from './contract-thread.js';
import type { Admitted, FixtureData } from './contract-thread.fixture.js';
import { classContract, POISON_MODULE, record, schemaContract, Scratch, subscription } from './scratch.fixture.js';

const scratch = new Scratch();
after(() => scratch.remove());

/** A thread over the records, and what it admitted. */
class Scene {
  readonly rejected: string[] = [];
  readonly log: string[] = [];
  readonly thread: ContractThread;
  /** Settles when the last record is admitted, or the thread is given up. */
  readonly ended: Promise<void>;
  #admitted = 0;
  #end!: () => void;
  readonly #last: number;

  constructor(records: Record[], contract: ContractSettings, options: Partial<ContractThreadOptions> = {}) {
    this.#last = records.at(-1)!.position;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    const data: FixtureData = { records, subscriptions: [subscription('#', contract.name)], contracts: [contract] };
    this.thread = new ContractThread({
      entry: new URL('./contract-thread.fixture.js', import.meta.url),
      workerData: data,
      start: (worker) => {
        worker.on('message', (message: Admitted) => this.#onAdmitted(message));
        worker.postMessage({ after: this.#admitted, committed: this.#last });
      },
      onFatal: (error) => {
        this.log.push(`fatal ${(error as { code?: string }).code ?? ''} ${error.message}`);
        this.#end();
      },
      onRespawn: (reason, position) => this.log.push(`${reason} ${position}`),
      budgetMs: 400,
      ...options,
    });
  }

  #onAdmitted({ through, rejections }: Admitted): void {
    this.rejected.push(...rejections.map(({ position, reason }) => `${position} ${reason}`));
    this.#admitted = through;
    this.thread.admittedThrough(through);
    if (through === this.#last) this.#end();
  }

  async run(): Promise<this> {
    this.thread.start();
    await this.ended;
    await this.thread.stop();
    return this;
  }
}

let files = 0;
function acts(...names: string[]): [Record[], ContractSettings] {
  const records = names.map((act, i) => record(i + 1, 't', JSON.stringify({ act })));
  return [records, classContract('poison', scratch.write(`poison-${files++}.mjs`, POISON_MODULE), 'Poison')];
}

describe('ContractThread', { timeout: 60_000 }, () => {
  it('a class that never returns: ended, rejected as timeout, and the next ones flow in order', async () => {
    const at = performance.now();
    const scene = await new Scene(...acts('throw', 'spin', 'fine', 'throw', 'spin', 'fine')).run();
    assert.deepEqual(scene.rejected, ['1 threw', '2 timeout', '4 threw', '5 timeout']);
    assert.deepEqual(scene.log, ['timeout 2', 'timeout 5']);
    assert.deepEqual(scene.thread.respawns(), { timeout: 2, crashed: 0, failed: 0, stalled: 0 });
    assert.ok(performance.now() - at < 10_000);
  });

  it('a contract has its own budget, whatever the usual one is', async () => {
    const [records, contract] = acts('fine', 'spin', 'fine', 'spin');
    const impatient = { ...contract, limits: { budgetMs: 100 } };
    const scene = await new Scene(records, impatient, { budgetMs: 600_000, leastBudgetMs: 100 }).run();
    assert.deepEqual(scene.rejected, ['2 timeout', '4 timeout']);
  });

  it('a class that ends the process ends its thread alone, and is rejected as crashed', async () => {
    const scene = await new Scene(...acts('exit', 'fine', 'exit')).run();
    assert.deepEqual(scene.rejected, ['1 crashed', '3 crashed']);
  });

  it('a class that fills the memory is rejected as crashed', async () => {
    const scene = await new Scene(...acts('fine', 'overflow', 'fine'), { budgetMs: 20_000, heapMbMax: 48 }).run();
    assert.deepEqual(scene.rejected, ['2 crashed']);
  });

  it('what an async function leaves behind is put down to its record', async () => {
    const scene = await new Scene(...acts('fine', 'reject', 'fine', 'spinLater', 'exitLater', 'fine')).run();
    assert.deepEqual(scene.rejected, ['2 threw', '4 timeout', '5 crashed']);
  });

  it('an exception in a timer of the class does not end the thread', async () => {
    const scene = await new Scene(...acts('throwInTimer', 'spin', 'throwInTimer', 'fine')).run();
    assert.equal(scene.thread.respawns().failed, 0);
    assert.ok(scene.rejected.includes('2 timeout'));
  });

  it('a pattern that backtracks for ever is ended, and the next record flows', async () => {
    const schema = { type: 'string', pattern: '^(a+)+$' };
    const records = [
      record(1, 't', JSON.stringify(`${'a'.repeat(60)}!`)),
      record(2, 't', '"aaa"'),
      record(3, 't', '"b"'),
    ];
    const scene = await new Scene(records, schemaContract('redos', scratch.write('redos.json', schema))).run();
    assert.deepEqual(scene.rejected, ['1 timeout', '3 schema']);
  });

  it('a contract that does not compile is fatal at once, with its code', async () => {
    const scene = await new Scene([record(1, 't', '1')], schemaContract('gone', '/nowhere.json')).run();
    assert.equal(scene.log.length, 1);
    assert.match(scene.log[0]!, /^fatal CONFIG_INVALID .*"gone": .*ENOENT/);
  });

  it('a thread that keeps ending with no record to blame is given up after five in a minute', async () => {
    const module = scratch.write('ends.mjs', 'process.exit(9);');
    const scene = await new Scene([record(1, 't', '{}')], classContract('ends', module, 'Ends')).run();
    assert.deepEqual(scene.log, [...Array<string>(5).fill('failed 0'), 'fatal  exit code 9']);
  });

  it('once it has worked it is never given up: each wait for the next is longer than the one before', async () => {
    const module = scratch.write('keeps-ending.mjs', 'process.exit(9);');
    const waits: number[] = [];
    const enough = Promise.withResolvers<void>();
    const scene = new Scene([record(1, 't', '{}')], classContract('ends', module, 'Ends'), {
      waitMs: 10,
      onHealth: ({ waitMs }) => {
        if (waitMs > 0) waits.push(waitMs);
        if (waits.length === 4) enough.resolve();
      },
    });
    scene.thread.lasts();
    scene.thread.start();
    await Promise.race([enough.promise, scene.ended]);
    await scene.thread.stop();
    assert.deepEqual(waits, [10, 20, 40, 80]);
    assert.deepEqual(scene.log, Array<string>(9).fill('failed 0'));
  });

  it('a restart does not wait for the next one', async () => {
    const module = scratch.write('ends-again.mjs', 'process.exit(9);');
    const waiting = Promise.withResolvers<void>();
    const records = [record(1, 't', '{}')];
    const scene = new Scene(records, classContract('ends', module, 'Ends'), {
      waitMs: 30_000,
      onHealth: ({ waitMs }) => waitMs > 0 && waiting.resolve(),
    });
    scene.thread.lasts();
    scene.thread.start();
    await waiting.promise;
    const contract = schemaContract('mended', scratch.write('mends.json', { type: 'object' }));
    await scene.thread.restart({ records, subscriptions: [subscription('#', 'mended')], contracts: [contract] });
    await scene.ended;
    await scene.thread.stop();
    assert.equal(scene.log.length, 6);
  });

  it('a check in a call that nothing interrupts: its thread is left behind, and the next record flows', async () => {
    const lost: number[] = [];
    const scene = new Scene(...acts('fine', 'block', 'fine', 'throw'), {
      endMs: 100,
      onHealth: (health) => lost.push(health.lost),
    });
    await scene.run();
    assert.deepEqual(scene.rejected, ['2 timeout', '4 threw']);
    assert.deepEqual(scene.log, ['timeout 2']);
    assert.equal(lost.at(-1), 1);
  });

  it('of more such threads than it bears it starts no other until one has ended', async () => {
    const held: string[] = [];
    const scene = new Scene(...acts('block', 'block', 'block', 'block', 'fine', 'throw'), {
      endMs: 50,
      budgetMs: 200,
      onHealth: (health) => held.push(`${health.lost} ${health.held}`),
    });
    await scene.run();
    assert.deepEqual(scene.rejected, ['1 timeout', '2 timeout', '3 timeout', '4 timeout', '6 threw']);
    assert.ok(held.includes('4 true'), held.join());
    assert.match(held.at(-1)!, /^[0-3] false$/);
  });

  it('stops within its limit, whatever the thread does', async () => {
    const blocked = Promise.withResolvers<void>();
    const scene = new Scene(...acts('throw', 'block'), {
      endMs: 50,
      onHealth: ({ lost }) => lost && blocked.resolve(),
    });
    scene.thread.start();
    await blocked.promise;
    const at = performance.now();
    await scene.thread.stop();
    assert.ok(performance.now() - at < 2_000);
  });

  it('a module that spins while it loads is ended, too', async () => {
    const module = scratch.write('spins.mjs', 'for (;;);');
    let respawned!: () => void;
    const ended = new Promise<void>((resolve) => (respawned = resolve));
    const scene = new Scene([record(1, 't', '{}')], classContract('spins', module, 'Spins'), {
      stallMs: 600,
      onRespawn: () => respawned(),
    });
    scene.thread.start();
    await ended;
    await scene.thread.stop();
    assert.equal(scene.thread.respawns().stalled, 1);
  });

  it('restart: the next thread has the new data, and a mended contract gets the condemned records again', async () => {
    const [records, poison] = acts('fine', 'spin');
    const contract = schemaContract('poison', scratch.write('mended.json', { type: 'object' }));
    const data: FixtureData = { records, subscriptions: [subscription('#', 'poison')], contracts: [contract] };
    let restarted: Promise<void> | undefined;
    const scene = new Scene(records, poison, {
      onRespawn: () => {
        restarted = scene.thread.restart(data);
      },
    });
    await scene.run();
    await restarted;
    assert.equal(scene.thread.respawns().timeout, 1);
    assert.deepEqual(scene.rejected, []);
  });
});
