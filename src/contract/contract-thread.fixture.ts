/** A contract thread whose journal is an array: what it admits goes to the parent. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Record, Rejection } from '../domain/record.js';
import type { ContractSettings } from '../domain/contract.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { Admission } from './admission.js';
import { enterContractThread, runAdmission } from './contract-worker.js';
import type { ContractThreadData } from './contract-worker.js';
import { Contracts } from './contracts.js';

export interface FixtureData {
  records: Record[];
  subscriptions: SubscriptionSettings[];
  contracts: ContractSettings[];
}

export interface Admitted {
  through: number;
  rejections: Rejection[];
}

const port = parentPort!;
const data = workerData as FixtureData & { contractThread: ContractThreadData };
const { progress, condemned } = enterContractThread(data.contractThread);
const contracts = await Contracts.compile(data.subscriptions, data.contracts);
// The parent says where to start: `{after, committed}`.
const { after, committed } = await new Promise<{ after: number; committed: number }>((resolve) => {
  port.on('message', resolve);
});
const admission = new Admission(contracts, {
  source: {
    recordsAfter: (position, through, limit) =>
      data.records.filter((r) => r.position > position && r.position <= through).slice(0, limit),
  },
  sink: {
    admit: (through, rejections) => {
      port.postMessage({ through, rejections } satisfies Admitted);
      return Promise.resolve();
    },
  },
  progress,
  after,
  condemned,
});
admission.notify(committed);
await runAdmission(admission);
