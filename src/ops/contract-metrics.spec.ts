import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Registry } from 'prom-client';
import type { ContractSettings } from '../domain/contract.js';
import { REJECTION_REASONS } from '../domain/record.js';
import { ContractMetrics } from './contract-metrics.js';

const CONTRACTS: ContractSettings[] = [
  { name: 'a', format: 'json', mode: 'shadow' },
  { name: 'b', format: 'json', mode: 'enforce' },
];
const FAILURE = { contract: 'a', mode: 'shadow', reason: 'schema' } as const;

async function lines(registry: Registry, name: string): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`));
}

describe('ContractMetrics', () => {
  it('every contract and reason is there from the start; publishes only have those they name', async () => {
    const registry = new Registry();
    new ContractMetrics(registry).inForce(CONTRACTS, new Set(['b']));
    const failures = await lines(registry, 'holdfast_contract_failures_total');
    const publishes = await lines(registry, 'holdfast_publish_contract_failures_total');
    assert.equal(failures.length, 2 * REJECTION_REASONS.length);
    assert.equal(publishes.length, REJECTION_REASONS.length);
    for (const line of [...failures, ...publishes]) assert.match(line, / 0$/);
    assert.ok(publishes.every((line) => line.includes('contract="b"') && line.includes('mode="enforce"')));
  });

  it('counts grow on when the thread that counts is replaced', async () => {
    const registry = new Registry();
    const metrics = new ContractMetrics(registry);
    metrics.inForce(CONTRACTS, new Set());
    const count = async (): Promise<string | undefined> =>
      (await lines(registry, 'holdfast_contract_failures_total'))
        .find((line) => line.includes('"schema"') && line.includes('"shadow"'))
        ?.split(' ')[1];
    metrics.failures([{ ...FAILURE, count: 3 }]);
    metrics.failures([{ ...FAILURE, count: 5 }]);
    assert.equal(await count(), '5');
    metrics.threadEnded();
    assert.equal(await count(), '5');
    metrics.failures([{ ...FAILURE, count: 2 }]);
    metrics.threadEnded();
    metrics.failures([{ ...FAILURE, count: 1 }]);
    assert.equal(await count(), '8');
  });

  it('counts publishes that fail', async () => {
    const registry = new Registry();
    const metrics = new ContractMetrics(registry);
    metrics.inForce(CONTRACTS, new Set(['a']));
    metrics.publishFailed(FAILURE);
    const counted = await lines(registry, 'holdfast_publish_contract_failures_total');
    assert.deepEqual(
      counted.filter((line) => line.endsWith(' 1')),
      ['holdfast_publish_contract_failures_total{contract="a",mode="shadow",reason="schema"} 1'],
    );
  });

  it('contracts that come later are there at once, and those before them keep what they counted', async () => {
    const registry = new Registry();
    const metrics = new ContractMetrics(registry);
    metrics.inForce(CONTRACTS, new Set());
    metrics.failures([{ ...FAILURE, count: 3 }]);
    metrics.threadEnded();
    metrics.inForce([{ name: 'c', mode: 'enforce' }, CONTRACTS[0]!], new Set(['c']));
    const failures = await lines(registry, 'holdfast_contract_failures_total');
    assert.equal(failures.length, 3 * REJECTION_REASONS.length);
    assert.deepEqual(
      failures.filter((line) => !line.endsWith(' 0')).map((line) => line.split(' ')[1]),
      ['3'],
    );
    assert.equal((await lines(registry, 'holdfast_publish_contract_failures_total')).length, REJECTION_REASONS.length);
  });
});
