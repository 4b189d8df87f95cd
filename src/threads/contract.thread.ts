/** The contract thread: gives every record its verdict. Users' schemas and classes run here and nowhere else. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import {
  Admission,
  Contracts,
  enterContractThread,
  runAdmission,
  type AdmissionSink,
  type ContractThreadData,
} from '../contract/index.js';
import type { Journal } from '../domain/journal.js';
import type { Rejection } from '../domain/record.js';
import type { ContractSettings, SubscriptionSettings } from '../domain/settings.js';
import { SqliteJournalReader } from '../journal/index.js';
import type { LogLine } from '../ops/index.js';
import { Heartbeats } from './heartbeat.js';
import { Channel, remote, served } from './rpc.js';

export interface ContractThreadSettings {
  subscriptions: SubscriptionSettings[];
  contracts: ContractSettings[];
  /** The journal's directory. */
  directory: string;
  heartbeats: SharedArrayBuffer;
}

/** What this thread tells its parent. */
export interface ContractThreadEvents {
  /** Every record up to here has its verdict, and its rejections are on disk: delivery may see the others. */
  admitted: number;
  log: LogLine;
}

/** What the parent may ask of this thread. */
export interface ContractThreadCalls {
  /** Hands over the way to the journal. Resolves when the contracts are compiled and checking has begun. */
  attach(port: MessagePort): Promise<void>;
}

/**
 * Tells delivery of a verdict as soon as it may know. One without rejections need not be on disk: waiting for the
 * journal to answer would put the commit that is under way between every record and its subscribers.
 */
class VerdictSink implements AdmissionSink {
  #failed: Error | undefined;

  constructor(private readonly journal: Pick<Journal, 'admit'>) {}

  async admit(through: number, rejections: Rejection[]): Promise<void> {
    if (this.#failed) throw this.#failed;
    const kept = this.journal.admit(through, rejections);
    if (rejections.length > 0) await kept;
    else kept.catch((error: unknown) => (this.#failed = error as Error));
    toParent.emitLatest('admitted', through satisfies ContractThreadEvents['admitted']);
  }
}

const data = workerData as ContractThreadSettings & { contractThread: ContractThreadData };
const { progress, condemned } = enterContractThread(data.contractThread);
new Heartbeats(data.heartbeats).beatAs('contract');

const toParent = new Channel(parentPort!, served({ attach } satisfies ContractThreadCalls));

async function attach(port: MessagePort): Promise<void> {
  let committed = 0;
  let notify = (position: number): void => void (committed = position);
  const journal = remote<Journal>(
    new Channel(port, undefined, (event, value) => {
      if (event === 'committed') notify(value as number);
    }),
  );
  const contracts = await Contracts.compile(data.subscriptions, data.contracts);
  // Without room for it the next read finds them again.
  const damaged = (positions: number[]): void => void journal.quarantine(positions).catch(() => undefined);
  const source = new SqliteJournalReader(data.directory, damaged);
  const { last, admitted } = await journal.stats();
  const sink = new VerdictSink(journal);
  const admission = new Admission(contracts, { source, sink, progress, after: admitted, condemned });
  notify = (position) => admission.notify(position);
  admission.notify(Math.max(last, committed));
  // Left unhandled on purpose: a reader or journal that fails ends the thread, and its parent starts another.
  void runAdmission(admission, (description) => warn('a contract failed outside of its check', { description }));
}

function warn(message: string, fields: LogLine['fields']): void {
  toParent.emit('log', { level: 'warn', message, fields } satisfies ContractThreadEvents['log']);
}
