/** Reads the configuration again while the gateway runs: what is sound comes into force, anything else is refused whole. */
import { dirname, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { ConfigWatch, pathText, type ConfigProblem, type Loaded, type Secrets } from './config/index.js';
import type { LastReload, ReloadReport } from './console/index.js';
import { filesThatDiffer, stillOnDisk, type FilesRead } from './contract/index.js';
import { contractProblems } from './contract-problems.js';
import type { ContractFrame, ContractsInForce } from './contracts-in-force.js';
import { HoldfastError } from './domain/errors.js';
import type { Credentials, HttpSettings, Settings, SubscriptionSettings } from './domain/settings.js';
import type { ReloadMetrics } from './ops/index.js';
import type { Failed, Registry, Unfit } from './registration/index.js';
import { FORMER_MAX, planReload, type ReloadPlan } from './reload-plan.js';
import { tryContracts } from './threads/contract-trial.js';

/** Where the settings came from. */
export interface ConfigSource {
  /** Path of the configuration file. */
  file: string;
  /** Reads it, and what it refers to, as it is now. */
  load: () => Loaded;
  /** What it referred to when the gateway was started. */
  files: readonly string[];
}

export interface ReloadingParts {
  source: ConfigSource;
  /** What the gateway was started with. */
  settings: Settings;
  secrets: Secrets | undefined;
  contracts: Pick<ContractsInForce, 'frame' | 'files' | 'replace'>;
  /** Asked only once the gateway has started. */
  subscribers: () => Pick<Registry, 'configured' | 'unfit' | 'configure'>;
  /** Has the link subscribe to these, and to no others; resolves when it knows. */
  resubscribe: (subscriptions: SubscriptionSettings[]) => Promise<void>;
  /** Puts other tokens and certificates in force. */
  replaceHttp: (http: HttpSettings) => void;
  metrics: ReloadMetrics;
  /** Told how each went. */
  told: (reload: LastReload) => void;
  logger: Logger;
}

/** A subscriber's key is its id after this. */
const KEY = 'subscribers.';

/** Why one was asked for. */
export type ReloadTrigger = 'file' | 'signal' | 'api';

type Asked = Pick<SubscriptionSettings, 'name' | 'filter' | 'qos'>[];
/** Keys that are in force now, and why others are not. */
interface Followed {
  done: string[];
  problems: ConfigProblem[];
}
type Fit = Extract<Loaded, { settings: unknown }>;

export class Reloading {
  readonly #watch = new ConfigWatch(() => void this.reload('file').catch(() => undefined)); // it was told
  #running: Promise<unknown> = Promise.resolve();
  #waiting: { trigger: ReloadTrigger; done: Promise<ReloadReport> } | undefined;
  #refused = false;
  /** What was told to need a restart. */
  #told = '';
  #stopped = false;
  #http: HttpSettings;
  /** What the link was told. */
  #asked: Asked;
  #last: LastReload = { result: 'applied', at: new Date().toISOString(), needsRestart: [] };

  constructor(private readonly parts: ReloadingParts) {
    this.#http = parts.settings.http;
    this.#asked = askedFor(parts.settings);
  }

  /** How the last one went; before the first: the start. */
  get last(): LastReload {
    return this.#last;
  }

  /** The REST surface as it is now. */
  get http(): HttpSettings {
    return this.#http;
  }

  /** Follows the files. Once the contracts are in force. */
  start(): void {
    this.#watch.follow([...this.parts.source.files, ...this.parts.contracts.files.looked]);
  }

  stop(): void {
    this.#stopped = true;
    this.#watch.stop();
  }

  /**
   * One at a time; those who ask while one waits for its turn get its answer, because it reads the files after that.
   * @throws HoldfastError RELOAD_REFUSED with `details.problems` when nothing was changed, SHUTTING_DOWN
   */
  reload(trigger: ReloadTrigger): Promise<ReloadReport> {
    if (this.#waiting) {
      if (trigger !== 'file') this.#waiting.trigger = trigger;
      return this.#waiting.done;
    }
    const { promise: done, resolve, reject } = Promise.withResolvers<ReloadReport>();
    const waiting = (this.#waiting = { trigger, done });
    this.#running = this.#running.then(async () => {
      this.#waiting = undefined;
      await this.#reload(waiting.trigger).then(resolve, reject);
    });
    return done;
  }

  async #reload(trigger: ReloadTrigger): Promise<ReloadReport> {
    if (this.#stopped) throw stopping();
    const { source, contracts } = this.parts;
    const loaded = source.load();
    this.#watch.follow([...loaded.files, ...contracts.files.looked]);
    if ('problems' in loaded) return this.#refuse(trigger, loaded.problems);
    const plan = this.#plan(loaded);
    if (plan.frame.former.subscriptions.length > FORMER_MAX) return this.#refuse(trigger, [tooManyFormer(loaded)]);
    const unfit = this.parts.subscribers().unfit(plan.subscribers);
    if (unfit.length > 0) return this.#refuse(trigger, unfitProblems(unfit, loaded));
    const differing =
      plan.changed.length > 0 || !stillOnDisk(contracts.files) ? await this.#renewed(trigger, plan, loaded) : [];
    if (plan.httpChanged.length > 0) this.parts.replaceHttp((this.#http = plan.http));
    const { done, problems } = await this.#configured(plan, loaded);
    const link = await this.#resubscribed(contracts.frame, loaded);
    problems.push(...link.problems);
    const followed = link.problems.length > 0 ? differing.filter((key) => !ofSubscriptions(key)) : differing;
    // What the link was not told the last time is told by itself now.
    const late = differing.some(ofSubscriptions) ? [] : link.done;
    const changed = [...followed, ...plan.httpChanged, ...done, ...late];
    if (problems.length > 0) return this.#incomplete(trigger, { ...plan, changed }, problems);
    return changed.length === 0 ? this.#unchanged(trigger, plan) : this.#applied(trigger, loaded, { ...plan, changed });
  }

  /** Puts the subscribers in force, with contracts that are by now. @returns keys that are, and what is as it was */
  async #configured({ subscribers, subscribersChanged }: ReloadPlan, { positionOf }: Fit): Promise<Followed> {
    if (subscribersChanged.length === 0) return { done: [], problems: [] };
    const none = (error: unknown): Failed[] => subscribersChanged.map((key) => ({ id: key.slice(KEY.length), error }));
    const failed = await this.parts.subscribers().configure(subscribers).catch(none);
    if (this.#stopped) throw stopping();
    const problems = failed.map(({ id, error }): ConfigProblem => {
      const index = subscribers.findIndex((one) => one.id === id);
      const at = positionOf(index < 0 ? ['subscribers'] : ['subscribers', index]);
      const known = error instanceof HoldfastError;
      const mend = known ? `${error.hint} Then reload again.` : 'Reload again; if that does not help, restart.';
      return {
        path: `${KEY}${id}`,
        ...at,
        message: known ? `${error.code}: ${error.message}` : String(error),
        mend,
      };
    });
    const not = new Set(problems.map(({ path }) => path));
    return { done: subscribersChanged.filter((key) => !not.has(key)), problems };
  }

  /** Puts the contracts in force. @returns the keys and files that are in force now and were not before */
  async #renewed(trigger: ReloadTrigger, plan: ReloadPlan, loaded: Fit): Promise<string[]> {
    const { contracts } = this.parts;
    const tried = await this.#tried(plan, loaded);
    if ('problems' in tried) return this.#refuse(trigger, tried.problems);
    this.#watch.follow([...loaded.files, ...tried.files.looked]);
    const changed = [...plan.changed, ...this.#named(filesThatDiffer(contracts.files, tried.files))];
    if (changed.length === 0) return [];
    try {
      await contracts.replace(plan.frame, tried.files);
    } catch (error) {
      if (this.#stopped) throw error;
      return this.#refuse(trigger, [unusable(loaded, error)]);
    }
    return changed;
  }

  /** Only now: what the broker sends for it finds its contract and its subscribers in force. */
  async #resubscribed({ subscriptions }: ContractFrame, { positionOf }: Fit): Promise<Followed> {
    const wanted = askedFor({ subscriptions });
    if (isDeepStrictEqual(this.#asked, wanted)) return { done: [], problems: [] };
    try {
      await this.parts.resubscribe(subscriptions);
    } catch (error) {
      if (this.#stopped) throw stopping();
      const message = `the link could not be told: ${error instanceof Error ? error.message : String(error)}`;
      const mend = 'Reload again; if that does not help, restart.';
      return { done: [], problems: [{ path: 'subscriptions', ...positionOf(['subscriptions']), message, mend }] };
    }
    this.#asked = wanted;
    return { done: ['subscriptions'], problems: [] };
  }

  #plan({ settings: next }: Fit): ReloadPlan {
    const { settings, secrets, contracts } = this.parts;
    const reread = secrets?.reread();
    const credentials: Credentials = reread && 'credentials' in reread ? reread.credentials : settings.broker;
    const inForce = { frame: contracts.frame, subscribers: this.parts.subscribers().configured, http: this.#http };
    return planReload(inForce, contracts.files, settings, next, credentials);
  }

  /** What the files held when every contract could be loaded from them, or why not. */
  async #tried({ frame }: ReloadPlan, loaded: Fit): Promise<{ files: FilesRead } | { problems: ConfigProblem[] }> {
    try {
      const { problems, files } = await tryContracts(frame.contracts);
      if (problems.length === 0) return { files };
      this.#watch.follow([...loaded.files, ...this.parts.contracts.files.looked, ...files.looked]);
      return { problems: contractProblems(problems, frame.contracts, loaded.positionOf) };
    } catch (error) {
      return { problems: [unusable(loaded, error)] };
    }
  }

  #applied(trigger: ReloadTrigger, { warnings }: Fit, { changed, needsRestart }: ReloadPlan): ReloadReport {
    const { logger } = this.parts;
    this.#refused = false;
    this.#ended('applied', needsRestart);
    for (const { path, line, message, mend } of warnings) logger.warn({ path, line, mend }, message);
    logger.info({ trigger, changed }, 'the configuration was read again and is in force');
    this.#tellOfRestart(needsRestart);
    return { result: 'applied', changed, needsRestart };
  }

  #incomplete(trigger: ReloadTrigger, { changed, needsRestart }: ReloadPlan, problems: ConfigProblem[]): never {
    const { logger } = this.parts;
    this.#refused = true;
    this.#ended('incomplete', needsRestart);
    this.#tellEach(problems, 'a part of the new configuration could not be put in force');
    logger.error({ trigger, changed, problems: problems.length }, 'a part of the new configuration is in force');
    this.#tellOfRestart(needsRestart);
    throw new HoldfastError('RELOAD_INCOMPLETE', 'some of the new configuration could not be put in force', {
      details: { changed, needsRestart, problems },
    });
  }

  #unchanged(trigger: ReloadTrigger, { needsRestart }: ReloadPlan): ReloadReport {
    const { logger } = this.parts;
    // A file that is only looked at for the first time, or was written as it was, is nothing to tell of.
    if (trigger !== 'file' || this.#refused || this.#told !== needsRestart.join()) {
      this.#ended('unchanged', needsRestart);
      logger.info({ trigger }, 'the configuration was read again; nothing in it can be put in force that is not');
    }
    this.#refused = false;
    this.#tellOfRestart(needsRestart);
    return { result: 'unchanged', changed: [], needsRestart };
  }

  #ended(result: LastReload['result'], needsRestart: string[]): void {
    this.parts.metrics.reloaded(result);
    this.#last = { result, at: new Date().toISOString(), needsRestart };
    this.parts.told(this.#last);
  }

  #tellOfRestart(needsRestart: string[]): void {
    const told = this.#told;
    this.#told = needsRestart.join();
    if (needsRestart.length === 0 || this.#told === told) return;
    this.parts.logger.warn({ needsRestart }, 'what the configuration says of these takes effect after a restart');
  }

  #refuse(trigger: ReloadTrigger, problems: ConfigProblem[]): never {
    const { logger } = this.parts;
    this.#refused = true;
    this.#ended('refused', this.#last.needsRestart);
    this.#tellEach(problems, 'the new configuration cannot be used');
    logger.error(
      { trigger, problems: problems.length },
      'the new configuration is refused; the old one stays in force',
    );
    const many = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    throw new HoldfastError('RELOAD_REFUSED', `the new configuration has ${many}; the old one stays in force`, {
      details: { problems },
    });
  }

  #tellEach(problems: ConfigProblem[], what: string): void {
    for (const { path, line, message: problem, mend } of problems) {
      this.parts.logger.error({ path, line, problem, mend }, what);
    }
  }

  #named(files: string[]): string[] {
    const folder = dirname(this.parts.source.file);
    return files.map((file) => relative(folder, file));
  }
}

function unfitProblems(unfit: readonly Unfit[], { positionOf }: Fit): ConfigProblem[] {
  return unfit.map(({ index, message, mend }) => {
    const path = index === undefined ? ['subscribers'] : ['subscribers', index, 'id'];
    return { path: pathText(path), ...positionOf(path), message, mend };
  });
}

function stopping(): HoldfastError {
  return new HoldfastError('SHUTTING_DOWN', 'the gateway is stopping');
}

/** Whether it is of a subscription, or of their order. */
function ofSubscriptions(key: string): boolean {
  return /^subscriptions\.| subscriptions$/.test(key);
}

/** As far as the link is concerned. */
function askedFor({ subscriptions }: Pick<ContractFrame, 'subscriptions'>): Asked {
  return subscriptions.map(({ name, filter, qos }) => ({ name, filter, qos }));
}

function tooManyFormer({ positionOf }: Fit): ConfigProblem {
  const message = `would be more than ${FORMER_MAX} that were taken out since the start, whose contracts are kept`;
  const mend = 'Restart the gateway: with this file it starts.';
  return { path: 'subscriptions', ...positionOf(['subscriptions']), message, mend };
}

/** Of a contract that hangs nobody can say more than that it does. */
function unusable({ positionOf }: Fit, error: unknown): ConfigProblem {
  const message = error instanceof Error ? error.message : String(error);
  const mend = 'Mend the file that hangs or ends its thread while it is loaded.';
  return { path: 'contracts', ...positionOf(['contracts']), message, mend };
}
