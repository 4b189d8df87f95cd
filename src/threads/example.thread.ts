/**
 * Tries contracts: whether they can be loaded, and then examples, as a contract thread checks records. Each example is a
 * record whose topic is its contract's name.
 */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import {
  Admission,
  Contracts,
  enterContractThread,
  FileMemory,
  runAdmission,
  type AdmissionSink,
  type AdmissionSource,
  type ContractProblem,
  type ContractThreadData,
  type FilesRead,
} from '../contract/index.js';
import type { ContractSettings } from '../domain/contract.js';
import { HoldfastError } from '../domain/errors.js';
import type { Record, Rejection } from '../domain/record.js';

export interface ExampleThreadSettings {
  contracts: ContractSettings[];
  /** Their positions are their places in the list, from 1. */
  examples: { file: string; contract: string }[];
}

/** The parent says where to start. */
export interface ExampleThreadStart {
  /** Every example up to here was tried. */
  after: number;
}

/** What this thread tells its parent before it loads a contract: one that hangs says nothing any more. */
export interface Loading {
  loading: string;
  /** Of those before it. */
  problems: readonly ContractProblem[];
}

/** What this thread tells its parent then; when the contracts cannot be loaded it is all there is. */
export interface Loaded {
  /** What is wrong, as `Contracts.compile` says it in `details.problems`; empty: nothing. */
  problems: ContractProblem[];
  /** What the contracts' files held. */
  files: FilesRead;
}

/** What this thread tells its parent. */
export interface Tried {
  through: number;
  rejections: Rejection[];
}

const { contractThread, contracts, examples } = workerData as ExampleThreadSettings & {
  contractThread: ContractThreadData;
};
const { progress, condemned } = enterContractThread(contractThread);

const source: AdmissionSource = {
  // One at a time: a folder may hold more than the memory.
  recordsAfter: (position, through) => (position < through ? [recordOf(position + 1)] : []),
};

const sink: AdmissionSink = {
  admit: (through, rejections) => {
    parentPort!.postMessage({ through, rejections } satisfies Tried);
    return Promise.resolve();
  },
};

function recordOf(position: number): Record {
  const { file, contract: topic } = examples[position - 1]!;
  const payload = readFileSync(file);
  return { position, id: '', topic, qos: 1, retain: false, receivedAt: 0, payload, properties: null };
}

const memory = new FileMemory();

async function compiled(): Promise<Contracts> {
  try {
    return await Contracts.compile(
      contracts.map(({ name }) => ({ name, filter: name, qos: 1, contract: name, overlap: 'allow' })),
      // An example says what the contract should say, whatever happens to records.
      contracts.map((contract) => ({ ...contract, mode: 'enforce' })),
      [],
      memory,
      (loading, problems) => parentPort!.postMessage({ loading, problems } satisfies Loading),
    );
  } catch (error) {
    if (error instanceof HoldfastError) tell(error.details['problems'] as ContractProblem[]);
    throw error;
  }
}

function tell(problems: ContractProblem[]): void {
  parentPort!.postMessage({ problems, files: memory.read } satisfies Loaded);
}

async function run(): Promise<void> {
  const loaded = await compiled();
  tell([]);
  // `on`, not `once`: a thread that listens to nobody would end before its parent has heard all.
  const { after } = await new Promise<ExampleThreadStart>((resolve) => parentPort!.on('message', resolve));
  const admission = new Admission(loaded, { source, sink, progress, after, condemned });
  admission.notify(examples.length);
  await runAdmission(admission);
}

// Not awaited: of a module that awaits what never happens Node would complain here, and nobody could mend that.
void run();
