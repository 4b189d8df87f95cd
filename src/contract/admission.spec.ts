import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { HoldfastError } from '../domain/errors.js';
import { REJECTION_REASONS, type Record, type Rejection, type RejectionReason } from '../domain/record.js';
import { Admission } from './admission.js';
import { Contracts } from './contracts.js';
import { Progress } from './progress.js';
import { classContract, POISON_MODULE, record, schemaContract, Scratch, subscription } from './scratch.fixture.js';

const scratch = new Scratch();
let contracts: Contracts;
before(async () => {
  const schema = scratch.write('n.json', { type: 'number' });
  contracts = await Contracts.compile(
    [subscription('n', 'n'), subscription('shadow', 'shadow'), subscription('poison', 'poison')],
    [
      schemaContract('n', schema),
      { ...schemaContract('shadow', schema), mode: 'shadow' },
      classContract('poison', scratch.write('poison.mjs', POISON_MODULE), 'Poison'),
    ],
    [
      { filter: 'n', contract: 'n' },
      { filter: 'shadow', contract: 'shadow' },
      { filter: 'poison', contract: 'poison' },
    ],
  );
});
after(() => scratch.remove());

/** A journal in memory, and what it was told. */
class Scene {
  readonly admitted: { through: number; rejections: Rejection[] }[] = [];
  readonly reads: number[] = [];
  readonly shadowed: string[] = [];
  readonly progress = new Progress();
  readonly admission: Admission;
  readonly #records: Record[];
  sinkError: Error | undefined;
  /** How often the sink has no room before it takes something. */
  fullTimes = 0;
  inAdmit = 0;
  /** Stops the admission once everything up to here is admitted. */
  until = 0;

  constructor(records: Record[], condemned = new Map<number, RejectionReason>(), from = 0) {
    this.#records = records;
    this.admission = new Admission(contracts, {
      source: {
        recordsAfter: (position, through, limit) => {
          this.reads.push(limit);
          return this.#records.filter((r) => r.position > position && r.position <= through).slice(0, limit);
        },
      },
      sink: { admit: (through, rejections) => this.#admit(through, rejections) },
      progress: this.progress,
      onShadowed: ({ position, problems }) => this.shadowed.push(`${position} ${problems[0]?.rule}`),
      after: from,
      condemned,
      retryMs: 1,
    });
  }

  async #admit(through: number, rejections: Rejection[]): Promise<void> {
    assert.equal(++this.inAdmit, 1, 'one at a time');
    await new Promise((resolve) => setImmediate(resolve));
    this.inAdmit--;
    if (this.sinkError) throw this.sinkError;
    if (this.fullTimes-- > 0) throw new HoldfastError('JOURNAL_FULL', 'no room');
    this.admitted.push({ through, rejections });
    if (through >= this.until) this.admission.stop();
  }

  async run(committed: number): Promise<void> {
    this.until = committed;
    this.admission.notify(committed);
    await this.admission.run();
  }

  verdicts(): string[] {
    return this.admitted.flatMap(({ rejections }) => rejections.map((r) => `${r.position} ${r.contract} ${r.reason}`));
  }
}

describe('Admission', () => {
  it('gives every record its verdict once and in order, at most 256 a step', async () => {
    const records = Array.from({ length: 600 }, (_, i) => record(i + 1, 'n', i % 100 === 0 ? 'bad' : '1'));
    const scene = new Scene(records);
    await scene.run(600);
    assert.deepEqual(
      scene.admitted.map(({ through }) => through),
      [256, 512, 600],
    );
    assert.deepEqual(
      scene.admitted.flatMap(({ rejections }) => rejections.map(({ position }) => position)),
      [1, 101, 201, 301, 401, 501],
    );
    assert.equal(scene.progress.position(), 0);
    assert.equal(scene.admission.cursor, 600);
  });

  it('rejects when the sink fails, without having passed the step', async () => {
    const scene = new Scene([record(1, 'n', '1')]);
    scene.sinkError = new Error('disk');
    await assert.rejects(scene.run(1), /disk/);
    assert.equal(scene.admission.cursor, 0);
  });

  it('full disk: a rejection waits for room, and nothing behind it is passed meanwhile', async () => {
    const scene = new Scene([record(1, 'n', 'bad'), record(2, 'n', '1')]);
    scene.fullTimes = 7;
    await scene.run(2);
    assert.deepEqual(scene.verdicts(), ['1 n syntax']);
    assert.equal(scene.admission.cursor, 2);
  });

  it('checks records again when it is asked, also while it waits, and keeps nothing of the answer', async () => {
    const scene = new Scene([record(1, 'n', '1'), record(2, 'n', 'bad')]);
    const running = scene.admission.run();
    const again = [record(7, 'n', 'bad'), record(8, 'shadow', '"x"'), record(9, 'other', 'bad')];
    const rejections = await scene.admission.checkAgain(again);
    assert.deepEqual(
      rejections.map(({ position, contract, reason }) => [position, contract, reason]),
      [[7, 'n', 'syntax']],
    );
    assert.deepEqual([scene.admitted, scene.admission.counts().every(({ count }) => count === 0)], [[], true]);
    scene.until = 2;
    scene.admission.notify(2);
    await running;
    assert.deepEqual(scene.verdicts(), ['2 n syntax']);
    const late = scene.admission.checkAgain(again);
    await scene.admission.run();
    await assert.rejects(late, /has ended/);
  });

  it('publishes get their verdict whatever the mode, are told apart while they are checked, and are not counted', async (t) => {
    const scene = new Scene([record(1, 'n', '1')]);
    const running = scene.admission.run();
    const said = async (id: number, topic: string, payload: string): Promise<string> => {
      const verdict = await scene.admission.checkPublish(id, record(0, topic, payload));
      return verdict.valid ? 'valid' : `${verdict.contract} ${verdict.reason} ${verdict.problems[0]?.message}`;
    };
    const checking = t.mock.method(scene.progress, 'checking');
    const asked = Array.from({ length: 100 }, (_, i) => said(-1 - i, 'n', '1'));
    assert.ok((await Promise.all(asked)).every((one) => one === 'valid'));
    assert.match(await said(-101, 'n', 'x'), /^n syntax /);
    assert.match(await said(-102, 'shadow', '"x"'), /^shadow schema /);
    assert.equal(await said(-103, 'other', 'x'), 'valid');
    assert.match(await said(-104, 'poison', '{"act":"throw"}'), /^poison threw .*thrown by the class/);
    assert.deepEqual(
      checking.mock.calls.slice(-3).map(({ arguments: [id] }) => id),
      [-101, -102, -104],
    );
    assert.equal(scene.progress.position(), 0);
    assert.equal(scene.admission.failures, 0);
    scene.until = 1;
    scene.admission.notify(1);
    await running;
    await assert.rejects(
      (async () => {
        const late = scene.admission.checkPublish(-105, record(0, 'n', '1'));
        await scene.admission.run();
        await late;
      })(),
      /has ended/,
    );
  });

  it('reads nothing that is not committed, and starts where it is told', async () => {
    const scene = new Scene(
      [1, 2, 3, 4].map((n) => record(n, 'n', 'bad')),
      undefined,
      1,
    );
    await scene.run(3);
    assert.deepEqual(scene.verdicts(), ['2 n syntax', '3 n syntax']);
  });

  it('passes positions that are gone or damaged', async () => {
    const scene = new Scene([record(2, 'n', '1')]);
    await scene.run(5);
    assert.equal(scene.admitted.at(-1)?.through, 5);
  });

  it('is woken by a later commit', async () => {
    const scene = new Scene([record(1, 'n', '1'), record(2, 'n', 'bad')]);
    scene.until = 2;
    const run = scene.admission.run();
    for (const committed of [1, 2]) {
      await new Promise((resolve) => setImmediate(resolve));
      scene.admission.notify(committed);
    }
    await run;
    assert.deepEqual(scene.verdicts(), ['2 n syntax']);
  });

  it('rejects condemned records without a look at them, one at a time until they are passed', async () => {
    const records = Array.from({ length: 300 }, (_, i) => record(i + 1, 'poison', '{"act":"fine"}'));
    records[1] = record(2, 'poison', '{"act":"spin"}');
    records[19] = record(20, 'poison', '{"act":"exit"}');
    const scene = new Scene(
      records,
      new Map([
        [2, 'timeout'],
        [20, 'crashed'],
      ]),
    );
    await scene.run(300);
    assert.deepEqual(scene.verdicts(), ['2 poison timeout', '20 poison crashed']);
    assert.deepEqual(scene.reads, [...Array<number>(20).fill(1), 256, 256]);
  });

  it('shadow: a failure is counted and not rejected, also for a condemned record', async () => {
    const scene = new Scene([record(1, 'shadow', '"x"'), record(2, 'shadow', '1')], new Map([[2, 'timeout']]));
    await scene.run(2);
    assert.deepEqual(scene.verdicts(), []);
    assert.deepEqual([scene.shadowed, scene.admission.failures], [['1 type', '2 timeout'], 2]);
    const counted = scene.admission.counts().filter(({ count }) => count > 0);
    assert.deepEqual(counted, [
      { contract: 'shadow', mode: 'shadow', reason: 'schema', count: 1 },
      { contract: 'shadow', mode: 'shadow', reason: 'timeout', count: 1 },
    ]);
  });

  it('counters exist for every contract and reason from the start', () => {
    assert.equal(new Scene([]).admission.counts().length, 3 * REJECTION_REASONS.length);
  });
});
