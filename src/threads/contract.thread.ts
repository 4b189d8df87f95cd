/** The contract thread: gives every record its verdict. Users' schemas and classes run here and nowhere else. */
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import {
  Admission,
  Contracts,
  enterContractThread,
  FileMemory,
  runAdmission,
  type AdmissionOptions,
  type AdmissionSink,
  type Checked,
  type ContractThreadData,
  type FilesRead,
} from '../contract/index.js';
import type { Journal } from '../domain/journal.js';
import type { ContractSettings, FailureCount, Verdict } from '../domain/contract.js';
import type { Rejection } from '../domain/record.js';
import type { PublishContractSettings, SubscriptionSettings } from '../domain/settings.js';
import { SqliteJournalReader } from '../journal/index.js';
import { isSampled, type CheckedMark } from '../domain/trace.js';
import type { LogLine } from '../ops/index.js';
import { Heartbeats } from './heartbeat.js';
import { Channel, remote, served } from './rpc.js';

export interface ContractThreadSettings {
  subscriptions: SubscriptionSettings[];
  contracts: ContractSettings[];
  publishContracts: readonly PublishContractSettings[];
  /** What the contracts' files held; a thread without it reads them. */
  files?: FilesRead;
  /** The same of contracts, by name, that the configuration has no more. */
  formerFiles?: ReadonlyMap<string, FilesRead>;
  /** The journal's directory. */
  directory: string;
  heartbeats: SharedArrayBuffer;
  /** Share of the records that are traced; absent: none. */
  traced?: number | undefined;
}

/** What this thread tells its parent. */
export interface ContractThreadEvents {
  /** Every record up to here has its verdict, and its rejections are on disk: delivery may see the others. */
  admitted: number;
  /** How many records have failed each contract since this thread began; only those that are more than 0. */
  failures: FailureCount[];
  /** Records that are traced were checked. */
  checked: CheckedMark[];
  /** Something that repeats has happened `count` times; the line is about one of them. */
  repeated: { kind: string; count: number; line: LogLine };
}

/** What the parent may ask of this thread. */
export interface ContractThreadCalls {
  /**
   * Hands over the way to the journal. Resolves when the contracts are compiled and checking has begun, with what their
   * files held.
   */
  attach(port: MessagePort): Promise<FilesRead>;
  /** Begins no further check. Resolves when the verdicts so far are the journal's, so that another thread may go on. */
  finish(): Promise<void>;
  /** Which of these records fail the contracts as they are now. A check that never returns ends this thread. */
  check(positions: number[]): Promise<Rejection[]>;
  /** What the contract of a publish says, whatever its mode. @param id as `Admission.checkPublish` */
  checkPublish(id: number, publish: Checked): Promise<Verdict>;
}

/**
 * Tells delivery of a verdict as soon as it may know. One without rejections need not be on disk: waiting for the
 * journal to answer would put the commit that is under way between every record and its subscribers.
 */
class VerdictSink implements AdmissionSink {
  #failed: Error | undefined;
  #kept: Promise<void> = Promise.resolve();
  #failuresTold = 0;

  constructor(
    private readonly journal: Pick<Journal, 'admit'>,
    private readonly admission: () => Pick<Admission, 'failures' | 'counts'>,
  ) {}

  async admit(through: number, rejections: Rejection[]): Promise<void> {
    if (this.#failed) throw this.#failed;
    const kept = (this.#kept = this.journal.admit(through, rejections));
    if (rejections.length > 0) await kept;
    for (const { contract, reason, position, problems } of rejections) {
      const fields = { contract, reason, position, problem: problems[0]?.message };
      repeat(`rejected ${reason} ${contract}`, 'records are rejected', fields);
    }
    tellRepeated();
    if (checkedMarks.length > 0) toParent.emit('checked', checkedMarks.splice(0));
    if (rejections.length === 0) kept.catch((error: unknown) => (this.#failed = error as Error));
    this.#tellFailures();
    toParent.emitLatest('admitted', through satisfies ContractThreadEvents['admitted']);
  }

  /** The journal has every verdict that it was given. */
  async saved(): Promise<void> {
    await this.#kept;
  }

  #tellFailures(): void {
    const { failures } = this.admission();
    if (failures === this.#failuresTold) return;
    this.#failuresTold = failures;
    const counts = this.admission()
      .counts()
      .filter(({ count }) => count > 0);
    toParent.emitLatest('failures', counts satisfies ContractThreadEvents['failures']);
  }
}

function shadowed({ contract, reason, position, problems: [problem] }: Rejection): void {
  const { pointer, rule, message } = problem ?? {};
  const fields = { contract, reason, position, pointer, rule, problem: message };
  repeat(`shadow ${reason} ${contract}`, 'records fail a contract in shadow mode, and are delivered', fields);
}

/** Of the step that is under way. */
const checkedMarks: CheckedMark[] = [];

function marker(share: number): NonNullable<AdmissionOptions['onChecked']> {
  return ({ id }, contract, begun, verdict) => {
    if (!isSampled(id, share)) return;
    const reason = verdict.valid ? {} : { reason: verdict.reason };
    checkedMarks.push({ id, contract, begun, ended: Date.now(), ...reason });
  };
}

let source: SqliteJournalReader | undefined;

/** What has happened since it was last told. It is the parent that holds lines back: this thread may be ended at any time. */
const repeated = new Map<string, ContractThreadEvents['repeated']>();

/** The first of a kind is told at once. */
const known = new Set<string>();

function repeat(kind: string, message: string, fields: LogLine['fields']): void {
  const count = (repeated.get(kind)?.count ?? 0) + 1;
  repeated.set(kind, { kind, count, line: { level: 'warn', message, fields } });
  if (known.has(kind)) return;
  known.add(kind);
  tellRepeated();
}

function tellRepeated(): void {
  for (const one of repeated.values()) toParent.emit('repeated', { ...one, line: withRecord(one.line) });
  repeated.clear();
}

/** A line says whose record it is about, should it be about one. */
function withRecord(line: LogLine): LogLine {
  const { position } = line.fields;
  const [record] = typeof position === 'number' ? (source?.recordsAt([position]) ?? []) : [];
  return record ? { ...line, fields: { ...line.fields, id: record.id, topic: record.topic } } : line;
}

const data = workerData as ContractThreadSettings & { contractThread: ContractThreadData };
const { progress, condemned } = enterContractThread(data.contractThread);
new Heartbeats(data.heartbeats).beatAs('contract');

const toParent = new Channel(
  parentPort!,
  served({ attach, finish, check, checkPublish } satisfies ContractThreadCalls),
);

interface Checks {
  admission: Admission;
  source: SqliteJournalReader;
  sink: VerdictSink;
  /** Ends with the admission. */
  running: Promise<void>;
}
const { promise: checks, resolve: ready } = Promise.withResolvers<Checks>();

async function check(positions: number[]): Promise<Rejection[]> {
  const { admission, source } = await checks;
  return admission.checkAgain(source.recordsAt(positions));
}

async function checkPublish(id: number, publish: Checked): Promise<Verdict> {
  return (await checks).admission.checkPublish(id, publish);
}

async function finish(): Promise<void> {
  const { admission, running, sink } = await checks;
  admission.stop();
  await running;
  await sink.saved();
}

async function attach(port: MessagePort): Promise<FilesRead> {
  let committed = 0;
  let notify = (position: number): void => void (committed = position);
  const journal = remote<Journal>(
    new Channel(port, undefined, (event, value) => {
      if (event === 'committed') notify(value as number);
    }),
  );
  const memory = new FileMemory(data.files, data.formerFiles);
  const contracts = await Contracts.compile(data.subscriptions, data.contracts, data.publishContracts, memory);
  // Without room for it the next read finds them again.
  const damaged = (positions: number[]): void => void journal.quarantine(positions).catch(() => undefined);
  const reader = (source = new SqliteJournalReader(data.directory, damaged));
  const { last, admitted } = await journal.stats();
  const sink = new VerdictSink(journal, () => admission);
  const admission: Admission = new Admission(contracts, {
    ...{ source: reader, sink, progress, condemned },
    after: admitted,
    onShadowed: shadowed,
    ...(data.traced === undefined ? {} : { onChecked: marker(data.traced) }),
  });
  notify = (position) => admission.notify(position);
  admission.notify(Math.max(last, committed));
  // What the thread before admitted last it may have told nobody.
  toParent.emitLatest('admitted', admitted satisfies ContractThreadEvents['admitted']);
  // After the answer, because the first check may never end.
  // Left unhandled on purpose: a reader or journal that fails ends the thread, and its parent starts another.
  const running = setImmediate().then(() =>
    runAdmission(admission, (description) => {
      repeat('fault', 'a contract failed outside of its check', { description });
      tellRepeated();
    }),
  );
  ready({ admission, source: reader, sink, running });
  return memory.read;
}
