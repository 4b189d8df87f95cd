import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Verdict } from '../domain/contract.js';
import { HoldfastError } from '../domain/errors.js';
import type { Publish } from '../domain/publish.js';
import { ContractsByTopic } from './publish-contracts.js';

const PROBLEMS = [{ pointer: '/level', rule: 'type', message: 'must be number' }];
const FAILED: Verdict = { valid: false, contract: 'command', reason: 'schema', problems: PROBLEMS };

function publish(topic: string): Publish {
  return { id: 'id', topic, payload: Buffer.from('{}'), qos: 1, retain: false, properties: null, acceptedAt: 0 };
}

class Scene {
  readonly asked: string[] = [];
  readonly failures: string[] = [];
  verdict: Verdict | Error = FAILED;
  readonly contracts = new ContractsByTopic(
    {
      publish: [
        { filter: 'commands/open', contract: 'command' },
        { filter: 'commands/+/trial', contract: 'trial' },
        { filter: 'commands/#', contract: 'command' },
      ],
      contracts: [
        { name: 'command', format: 'json', mode: 'enforce' },
        { name: 'trial', format: 'json', mode: 'shadow' },
      ],
    },
    {
      check: (contract) => {
        this.asked.push(contract);
        return this.verdict instanceof Error ? Promise.reject(this.verdict) : Promise.resolve(this.verdict);
      },
      failed: ({ contract, mode, reason }, problem) =>
        void this.failures.push(`${contract} ${mode} ${reason}: ${problem}`),
    },
  );
}

describe('ContractsByTopic', () => {
  it('what fails is refused with the problems', async () => {
    const scene = new Scene();
    await assert.rejects(
      async () => scene.contracts.check(publish('commands/7/set')),
      (error) => {
        assert.ok(error instanceof HoldfastError);
        assert.deepEqual([error.code, error.retryable], ['CONTRACT_FAILED', false]);
        assert.deepEqual(error.details, { contract: 'command', reason: 'schema', problems: PROBLEMS });
        assert.match(error.message, /"command": \/level must be number/);
        return true;
      },
    );
    assert.deepEqual(scene.failures, ['command enforce schema: /level must be number']);
  });

  it('without a verdict in time what is enforced is refused for now, and what is in shadow mode goes out', async () => {
    const scene = new Scene();
    scene.verdict = new HoldfastError('CONTRACT_UNCHECKED', 'no verdict');
    await assert.rejects(async () => scene.contracts.check(publish('commands/7/set')), /no verdict/);
    assert.deepEqual(scene.failures, []);
    await scene.contracts.check(publish('commands/7/trial'));
    scene.verdict = new Error('a defect');
    await assert.rejects(async () => scene.contracts.check(publish('commands/7/trial')), /a defect/);
  });

  it('shadow: a failure is counted and goes out', async () => {
    const scene = new Scene();
    scene.verdict = { ...FAILED, contract: 'trial' };
    await scene.contracts.check(publish('commands/7/trial'));
    assert.deepEqual(scene.failures, ['trial shadow schema: /level must be number']);
  });

  it('the first filter in file order names the contract; a topic without one is not asked about', async () => {
    const scene = new Scene();
    scene.verdict = { valid: true };
    for (const topic of ['other', 'commands/7/trial', 'commands/open', 'commands/7/set']) {
      await scene.contracts.check(publish(topic));
    }
    assert.deepEqual(scene.asked, ['trial', 'command', 'command']);
  });
});
