/** Everything that obeys the contracts, and what makes all of it follow when they change. */
import type { MessagePort } from 'node:worker_threads';
import type { Logger } from 'pino';
import { describeAsyncApi } from './asyncapi/index.js';
import { Decoders, FileMemory, unusableContracts, type FilesRead, type JsonPayload } from './contract/index.js';
import type { ContractSettings, ContractThreadHealth, Verdict } from './domain/contract.js';
import type { DecodedPayload, Ways } from './domain/payload-json.js';
import type { Publish } from './domain/publish.js';
import type { Record } from './domain/record.js';
import type { PublishContractSettings, Settings, SubscriptionSettings } from './domain/settings.js';
import { parametersOf, type ParametersOf, type ParameterValues } from './domain/topic-parameters.js';
import type { ContractMetrics, Repeats } from './ops/index.js';
import type { PublishContracts } from './publish/index.js';
import { PublishGate } from './publish-gate.js';
import { ContractChecks, type Refusal } from './threads/contract-checks.js';
import { tryContracts } from './threads/contract-trial.js';
import type { ContractThreadSettings } from './threads/contract.thread.js';

/** The part of the settings that may change while the gateway runs. */
export interface ContractFrame {
  subscriptions: SubscriptionSettings[];
  contracts: ContractSettings[];
  publishContracts: PublishContractSettings[];
  /** What has been taken out since the start: what came by it, or still comes, is judged by it, after those in force. */
  former: Former;
}

export interface Former {
  /** The last one taken out first. */
  subscriptions: SubscriptionSettings[];
  /** Those of them that no contract of today has the name of. */
  contracts: ContractSettings[];
  /** By contract, what its files held. */
  files: ReadonlyMap<string, FilesRead>;
}

export interface ContractsInForceParts {
  settings: Settings;
  version: string;
  heartbeats: SharedArrayBuffer;
  metrics: ContractMetrics;
  /** Gives the contract thread its way to the journal. */
  attach: (port: MessagePort) => Promise<void>;
  /** Hears what the contract thread tells. */
  onEvent: (event: string, value: unknown) => void;
  /** The journal counts by the names of the contracts. */
  named: (contracts: string[]) => Promise<void>;
  /** Hears how the contract thread is. */
  onHealth: (health: ContractThreadHealth) => void;
  onFatal: (error: Error) => void;
  repeats: Repeats;
  logger: Logger;
}

/** What the main thread knows of one frame. */
interface Known {
  frame: ContractFrame;
  decoders: Decoders;
  parametersOf: ParametersOf;
  asyncApi: object;
}

/** The contracts as every other part of the gateway sees them: ask it each time, for they may have changed. */
export class ContractsInForce {
  readonly #checks: ContractChecks;
  #known: Known | undefined;
  #gate: PublishGate | undefined;

  constructor(private readonly parts: ContractsInForceParts) {
    const { attach, onEvent, onFatal, onHealth, metrics, repeats, logger, settings } = parts;
    this.#checks = new ContractChecks({
      settings: this.#threadSettings(frameOf(settings)),
      publishWaitMs: settings.publish.checkWaitMs,
      ...{ attach, onEvent, onFatal },
      onRespawn: (reason, position, detail) => {
        metrics.threadEnded();
        const fields = position < 0 ? { reason, publish: -position, detail } : { reason, position, detail };
        repeats.tell(`contract thread ${reason}`, (repeated) =>
          logger.warn({ ...fields, ...repeated }, 'the contract thread was replaced'),
        );
      },
      onHealth: (health) => {
        this.#tellHealth(health);
        onHealth(health);
      },
      onReplaced: () => metrics.threadEnded(),
    });
    this.#count(frameOf(settings));
  }

  /**
   * Resolves when the contracts are compiled. They are tried before, because one that hangs while it is loaded would
   * leave the thread to be replaced for ever. @throws HoldfastError CONFIG_INVALID
   */
  async start(): Promise<void> {
    const frame = frameOf(this.parts.settings);
    if (frame.contracts.length > 0) {
      const { problems } = await tryContracts(frame.contracts);
      if (problems.length > 0) throw unusableContracts(problems);
    }
    await this.#checks.start();
    this.#known = await this.#learn(frame, this.#checks.files);
  }

  /** What is in force. Not before {@link start} has resolved, as all that follows. */
  get frame(): ContractFrame {
    return this.#known!.frame;
  }

  /** What the files of the contracts held when they were loaded. */
  get files(): FilesRead {
    return this.#checks.files;
  }

  /** Which topics have which contract: what is in force, and after it what was. Also before {@link start}. */
  get routes(): SubscriptionSettings[] {
    return routesOf(this.#known?.frame ?? frameOf(this.parts.settings));
  }

  /**
   * Puts contracts in force that were tried, everywhere in one turn of the event loop. Resolves when the contract thread
   * has them, too. When it cannot, it rejects, and those before them are in force again.
   */
  async replace(frame: ContractFrame, files: FilesRead): Promise<void> {
    const before = this.#known!;
    const next = await this.#learn(frame, files);
    await this.parts.named(judgesOf(frame).map(({ name }) => name));
    this.#count(frame);
    this.#obey(next);
    try {
      await this.#checks.replace({ ...this.#threadSettings(frame), files });
    } catch (error) {
      this.#obey(before);
      throw error;
    }
  }

  /** The contracts of what is published. May be asked for before {@link start}. */
  gate(): PublishContracts {
    const { settings, metrics, repeats, logger } = this.parts;
    const check = (contract: string, publish: Publish): Promise<Verdict> =>
      this.#checks.checkPublish(contract, publish);
    return (this.#gate = new PublishGate({ check, metrics, repeats, logger }, rulesOf(frameOf(settings))));
  }

  /** As `Decoders.jsonOf`. */
  jsonOf(record: Record): JsonPayload {
    return this.#known!.decoders.jsonOf(record);
  }

  /** As `Decoders.decodedOf`. */
  decodedOf(record: Record): DecodedPayload | undefined {
    return this.#known!.decoders.decodedOf(record);
  }

  /** As `Decoders.isForeign`. */
  isForeign(record: Record): boolean {
    return this.#known!.decoders.isForeign(record);
  }

  /** As `Decoders.ways`. */
  get ways(): Ways {
    return this.#known!.decoders.ways;
  }

  /** The named levels of a topic. */
  parametersOf(topic: string): ParameterValues {
    return this.#known!.parametersOf(topic);
  }

  asyncApi(): object {
    return this.#known!.asyncApi;
  }

  /** As {@link ContractChecks.checkAgain}. */
  checkAgain(positions: number[]): Promise<Refusal[]> {
    return this.#checks.checkAgain(positions);
  }

  admittedThrough(position: number): void {
    this.#checks.admittedThrough(position);
  }

  stop(): Promise<void> {
    return this.#checks.stop();
  }

  async #learn(frame: ContractFrame, files: FilesRead): Promise<Known> {
    const { settings, version } = this.parts;
    const { subscriptions, contracts, publishContracts } = frame;
    const publish = { allow: settings.publish.allow, contracts: publishContracts };
    return {
      frame,
      decoders: await Decoders.load(routesOf(frame), judgesOf(frame), new FileMemory(files, frame.former.files)),
      parametersOf: parametersOf(routesOf(frame)),
      asyncApi: describeAsyncApi({ broker: settings.broker, subscriptions, contracts, publish }, version),
    };
  }

  #obey(known: Known): void {
    this.#known = known;
    this.#gate?.obey(rulesOf(known.frame));
  }

  #tellHealth({ lost, held, waitMs }: ContractThreadHealth): void {
    const { repeats, logger } = this.parts;
    if (held)
      logger.fatal({ lost }, 'too many contract threads do not end: nothing is checked until the process is restarted');
    else if (waitMs > 0) {
      repeats.tell('contract thread waits', (repeated) =>
        logger.error(
          { waitMs, ...repeated },
          'the contract thread keeps ending: messages wait in the journal meanwhile',
        ),
      );
    }
  }

  #count(frame: ContractFrame): void {
    const { publishContracts } = frame;
    this.parts.metrics.inForce(judgesOf(frame), new Set(publishContracts.map(({ contract }) => contract)));
  }

  #threadSettings(frame: ContractFrame): ContractThreadSettings {
    const { settings, heartbeats } = this.parts;
    const { publishContracts, former } = frame;
    return {
      ...{ subscriptions: routesOf(frame), contracts: judgesOf(frame), publishContracts, formerFiles: former.files },
      ...{ directory: settings.journal.directory, heartbeats, traced: settings.tracing?.sample },
    };
  }
}

export function frameOf({ subscriptions, contracts, publish }: Settings): ContractFrame {
  const former = { subscriptions: [], contracts: [], files: new Map<string, FilesRead>() };
  return { subscriptions, contracts, publishContracts: publish.contracts ?? [], former };
}

function routesOf({ subscriptions, former }: ContractFrame): SubscriptionSettings[] {
  return [...subscriptions, ...former.subscriptions];
}

function judgesOf({ contracts, former }: ContractFrame): ContractSettings[] {
  return [...contracts, ...former.contracts];
}

function rulesOf({ contracts, publishContracts }: ContractFrame): ConstructorParameters<typeof PublishGate>[1] {
  return { publish: publishContracts, contracts };
}
