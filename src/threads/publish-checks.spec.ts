import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Verdict } from '../domain/contract.js';
import { HoldfastError } from '../domain/errors.js';
import { PublishChecks } from './publish-checks.js';
import type { Channel } from './rpc.js';

const PUBLISH = { topic: 't', payload: Buffer.from('{}'), properties: null };
const LIMIT_MS = 300;

/** A thread that answers each call as told, in order; the last answer stays. */
class Scene {
  readonly ids: number[] = [];
  readonly checks: PublishChecks;

  constructor(...answers: ((id: number) => Promise<Verdict>)[]) {
    const call = (_: string, [id]: unknown[]): Promise<unknown> => {
      this.ids.push(id as number);
      return (answers.length > 1 ? answers.shift()! : answers[0]!)(id as number);
    };
    this.checks = new PublishChecks(() => ({ call }) as unknown as Channel, LIMIT_MS);
  }
}

const ended = (): Promise<Verdict> => Promise.reject(new Error('the contract thread has ended'));
const valid = (): Promise<Verdict> => Promise.resolve({ valid: true });

describe('PublishChecks', () => {
  it('a check that hung or crashed its thread has failed, and is not made again', async () => {
    for (const reason of ['timeout', 'crashed'] as const) {
      const scene = new Scene((id) => {
        scene.checks.respawned(reason, id);
        return ended();
      });
      const verdict = await scene.checks.check('command', PUBLISH);
      assert.ok(!verdict.valid);
      assert.deepEqual([verdict.contract, verdict.reason, scene.ids.length], ['command', reason, 1]);
    }
  });

  it('one that was only there when its thread ended is checked again, under the same number', async () => {
    const scene = new Scene((id) => {
      scene.checks.respawned('timeout', id - 1);
      scene.checks.respawned('crashed', 7);
      return ended();
    }, valid);
    assert.deepEqual(await scene.checks.check('command', PUBLISH), { valid: true });
    assert.deepEqual(scene.ids, [-1, -1]);
    await scene.checks.check('command', PUBLISH);
    assert.equal(scene.ids.at(-1), -2);
  });

  it('no verdict in time, or no thread: refused for now', async () => {
    const unchecked = (error: unknown): boolean =>
      error instanceof HoldfastError && error.code === 'CONTRACT_UNCHECKED' && error.retryable;
    await assert.rejects(new Scene(() => new Promise(() => undefined)).checks.check('c', PUBLISH), unchecked);
    await assert.rejects(new Scene(ended).checks.check('c', PUBLISH), unchecked);
    await assert.rejects(new PublishChecks(() => undefined, LIMIT_MS).check('c', PUBLISH), unchecked);
  });
});
