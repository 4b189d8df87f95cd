import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { ContractThread, type Checked, type RespawnReason } from '../contract/index.js';
import type { Verdict } from '../domain/contract.js';
import { HoldfastError } from '../domain/errors.js';
import type { Rejection } from '../domain/record.js';
import type { ContractThreadCalls, ContractThreadSettings } from './contract.thread.js';
import { PublishChecks } from './publish-checks.js';
import { Channel } from './rpc.js';

export interface ContractChecksOptions {
  settings: ContractThreadSettings;
  /** Gives the thread its way to the journal. */
  attach: (port: MessagePort) => Promise<void>;
  onEvent: (event: string, value: unknown) => void;
  onRespawn: (reason: RespawnReason, position: number, detail: string) => void;
  onFatal: (error: Error) => void;
}

/** Why a record does not pass the contract now in force. */
export interface Refusal {
  position: number;
  reason: string;
  detail: string;
}

/** The contract thread as the gateway sees it: kept alive, led to the journal, and asked. */
export class ContractChecks {
  #thread: ContractThread | undefined;
  #channel: Channel | undefined;
  #stopped = false;
  readonly #publishes = new PublishChecks(() => this.#channel);

  constructor(private readonly options: ContractChecksOptions) {}

  /** Resolves when the contracts are compiled. */
  start(): Promise<void> {
    const { settings, attach, onEvent, onRespawn, onFatal } = this.options;
    return new Promise<void>((ready, failed) => {
      const fatal = (error: Error): void => {
        failed(error);
        onFatal(error);
      };
      const begin = (worker: Worker): void => {
        const channel = (this.#channel = new Channel(worker, undefined, onEvent));
        worker.on('exit', () => channel.fail(new Error('the contract thread has ended')));
        const { port1, port2 } = new MessageChannel();
        attach(port1)
          .then(() => channel.call<void>('attach' satisfies keyof ContractThreadCalls, [port2], [port2]))
          // One that ended before it was ready is replaced, and the next one may be.
          .then(ready, (error: unknown) => {
            if (channel === this.#channel && !this.#stopped) fatal(error as Error);
          });
      };
      this.#thread = new ContractThread({
        entry: new URL('./contract.thread.js', import.meta.url),
        workerData: settings,
        start: begin,
        onFatal: fatal,
        onRespawn: (reason, position, detail) => {
          this.#publishes.respawned(reason, position);
          onRespawn(reason, position, detail);
        },
      });
      this.#thread.start();
    });
  }

  admittedThrough(position: number): void {
    this.#thread?.admittedThrough(position);
  }

  /**
   * Which of these records fail the contracts as they are now. One whose check ends the thread is told from the
   * others by checking each alone; then it fails, too.
   */
  async checkAgain(positions: number[]): Promise<Refusal[]> {
    if (positions.length === 0) return [];
    const channel = this.#channel;
    if (!channel || this.#stopped) throw new HoldfastError('SHUTTING_DOWN', 'no contract can be checked any more');
    try {
      const rejections = await channel.call<Rejection[]>('check' satisfies keyof ContractThreadCalls, [positions]);
      return rejections.map(({ position, reason, problems }) => {
        const { pointer, message } = problems[0] ?? { pointer: '', message: '' };
        return { position, reason, detail: `${pointer} ${message}`.trim() };
      });
    } catch (error) {
      if (channel === this.#channel || this.#stopped) throw error; // It answered so.
    }
    const [position, ...others] = positions;
    if (others.length === 0) {
      return [{ position: position!, reason: 'crashed', detail: 'the check of this record ended its thread' }];
    }
    const refusals: Refusal[] = [];
    for (const one of positions) refusals.push(...(await this.checkAgain([one])));
    return refusals;
  }

  /** What a contract says of a publish. @throws HoldfastError CONTRACT_UNCHECKED when there is no verdict in time */
  checkPublish(contract: string, publish: Checked): Promise<Verdict> {
    return this.#publishes.check(contract, publish);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#thread?.stop();
  }
}
