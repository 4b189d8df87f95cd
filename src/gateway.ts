import { MessageChannel } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { GatewayView, LastReload, ReloadReport } from './console/index.js';
import { CredentialsWatch, type Secrets } from './config/index.js';
import { ContractsInForce } from './contracts-in-force.js';
import type { Delivery } from './delivery/index.js';
import { LOGIN_CAUSES } from './domain/cause.js';
import { systemClock } from './domain/clock.js';
import { HoldfastError } from './domain/errors.js';
import type { ContractThreadHealth } from './domain/contract.js';
import type { MessageBatch } from './domain/message.js';
import type { HttpSettings, Settings, SubscriptionSettings, TracingSettings } from './domain/settings.js';
import { within } from './domain/within.js';
import type { HandlerSubscriber } from './handlers/index.js';
import { Journaling, type JournalEars, type OpenJournal } from './journaling.js';
import { Listening } from './listening.js';
import { Operating } from './operating.js';
import type { Publisher, Requester } from './publish/index.js';
import { Publishing } from './publishing.js';
import { History } from './records/index.js';
import type { Registry } from './registration/index.js';
import { Reloading, type ConfigSource, type ReloadTrigger } from './reloading.js';
import { recipientsOf, startServing, stopServing } from './serving.js';
import type { ContractThreadEvents } from './threads/contract.thread.js';
import type { LinkThreadCalls, LinkThreadData, LinkThreadEvents, LinkThreadParent } from './threads/link.thread.js';
import { served } from './threads/rpc.js';
import { Thread } from './threads/thread.js';
import { Watching } from './watching.js';

/** What closing gets at least, even when the time is up. */
const CLOSE_MS_MIN = 1_000;

export interface GatewayOptions {
  version: string;
  logger: Logger;
  /** Subscribers that live in this process, besides those of the configuration. */
  handlers?: HandlerSubscriber[];
  /** Another Nest app is in this process: its logger stays. Default false. */
  embedded?: boolean;
  /** The files behind the settings. Those that let the link in are followed; absent: they are as they are. */
  secrets?: Secrets;
  /** Where the settings came from: followed, and read again when asked to. Absent: they are as they are. */
  source?: ConfigSource;
}

/**
 * A running gateway: starts everything in order, and ties the threads and rooms together. Rejects when it
 * cannot start, and has then let go of everything.
 */
export async function createGateway(settings: Settings, options: GatewayOptions): Promise<Gateway> {
  const gateway = new Gateway(settings, options);
  try {
    await gateway.start();
  } catch (error) {
    await gateway.stop().catch(() => undefined);
    throw error;
  }
  return gateway;
}

export class Gateway {
  /** Resolves with the reason when the gateway cannot go on: a thread ended, or the disk failed. */
  readonly failed: Promise<Error>;
  clientId = '';
  httpPort = 0;
  opsPort = 0;
  readonly #operating: Operating;
  readonly #watching: Watching;
  readonly #contracts: ContractsInForce;
  readonly #linkThread: Thread<LinkThreadCalls>;
  readonly #journaling: Journaling;
  #fail: (error: Error) => void = () => undefined;
  #delivery: Delivery | undefined;
  #registry: Registry | undefined;
  #admittedThrough = 0;
  #contractHealth: ContractThreadHealth = { lost: 0, held: false, waitMs: 0 };
  #publishing: Publishing | undefined;
  #history: History | undefined;
  readonly #credentials: CredentialsWatch | undefined;
  readonly #reloading: Reloading | undefined;
  #listening: Listening | undefined;
  /** The link was told to connect: what a reload tells it before, it would not hear. */
  readonly #begun = Promise.withResolvers<void>();
  #stopped: Promise<void> | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly options: GatewayOptions,
  ) {
    this.failed = new Promise((resolve) => (this.#fail = resolve));
    const configured = [...settings.subscribers, ...(options.handlers ?? []).map((handler) => handler.settings)];
    const names = configured.map(({ id }) => id);
    const twice = names.find((id, i) => names.indexOf(id) < i);
    if (twice !== undefined) throw new HoldfastError('CONFIG_INVALID', `two subscribers have the id "${twice}"`);
    this.#operating = this.#makeOperating(names);
    this.#watching = this.#makeWatching();
    this.#credentials = options.secrets && this.#watch(options.secrets);
    const { metrics, heartbeats } = this.#operating;
    const died = (error: Error): void => this.#fail(error);
    this.#linkThread = new Thread(
      'link',
      {
        ops: settings.ops,
        subscriptions: settings.subscriptions.map(({ name }) => name),
        heartbeats: heartbeats.buffer,
        traced: settings.tracing !== undefined,
      } satisfies LinkThreadData,
      {
        serve: served({ metrics: (exemplars) => metrics.text(exemplars) } satisfies LinkThreadParent),
        onEvent: (event, value) => this.#heardLink(event, value),
        died,
      },
    );
    this.#journaling = new Journaling({ settings, heartbeats: heartbeats.buffer, died });
    this.#contracts = this.#makeContracts();
    this.#reloading = options.source && this.#makeReloading(options.source);
  }

  /** What publishes go through, of REST and of an app around the gateway. Undefined before {@link start}. */
  get publisher(): Publisher | undefined {
    return this.#publishing?.publisher;
  }

  get requester(): Requester | undefined {
    return this.#publishing?.requester;
  }

  /** Who the subscribers are. Undefined before {@link start}. */
  get registry(): Registry | undefined {
    return this.#registry;
  }

  /** Probes first, then journal, contracts, delivery, REST; the link connects last and delays nothing. */
  async start(): Promise<void> {
    const { settings } = this;
    this.opsPort = await this.#linkThread.calls.listen();
    if (settings.tracing) await this.#trace(settings.tracing);
    const open = await this.#openJournal();
    await this.#contracts.start();
    await this.#startDelivery(open);
    this.#watching.start();
    await this.#listen(open);
    await this.#linkThread.calls.connect({
      clientId: this.clientId,
      broker: settings.broker,
      session: settings.session,
      subscriptions: settings.subscriptions,
      responseTopic: settings.publish.request?.responseTopic,
    });
    this.#credentials?.start();
    this.#reloading?.start();
    this.#begun.resolve();
  }

  /** As `Reloading.reload`. @throws HoldfastError NOT_FOUND when the settings came from no file */
  async reload(trigger: ReloadTrigger): Promise<ReloadReport> {
    if (!this.#reloading) throw new HoldfastError('NOT_FOUND', 'this gateway was started without a configuration file');
    await this.#begun.promise;
    return this.#reloading.reload(trigger);
  }

  /**
   * Refuses publishes, lets acknowledgements, the outbox and attempts finish, keeps the session, closes the
   * journal. Takes little more than `ops.drain`; what was not finished is in the journal.
   */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    const ends = performance.now() + this.settings.ops.drainMs;
    const remaining = (share: number): number => Math.max(0, (ends - performance.now()) * share);
    this.#credentials?.stop();
    this.#reloading?.stop();
    this.#begun.resolve();
    const examined = this.#watching.stop();
    this.#publishing?.stop();
    await this.#linkThread.calls.stop(remaining(0.5)).catch(() => undefined);
    if (this.#delivery) await stopServing(this.#delivery, remaining(0.8), this.options.logger);
    await within(CLOSE_MS_MIN, Promise.all([this.#operating.events.flush(), examined]));
    this.#history?.streams.close();
    this.#operating.live.close();
    await this.#listening?.close(remaining(0.5));
    await this.#contracts.stop();
    await within(CLOSE_MS_MIN, this.#operating.tracing?.stop().catch(() => undefined) ?? Promise.resolve());
    this.#operating.repeats.flush();
    const unclean = (err: unknown): void => this.options.logger.error({ err }, 'the journal did not close cleanly');
    const left = Math.max(remaining(1), CLOSE_MS_MIN);
    await this.#journaling.close(left, unclean);
    await Promise.all([this.#journaling.end(), this.#linkThread.end()]);
    this.#operating.stop();
  }

  async #openJournal(): Promise<OpenJournal> {
    const { session, publish } = this.settings;
    const { journal, reader } = await this.#journaling.open(this.#journalEars());
    const { port1, port2 } = new MessageChannel();
    await this.#journaling.attach('link', port1);
    await this.#linkThread.calls.attach(port2);
    this.clientId = await journal.identify(session.clientId, session.adopt);
    const { metrics, tracing } = this.#operating;
    this.#publishing = new Publishing({
      ...{ settings: publish, clientId: this.clientId, journal, reader, metrics, tracing },
      contracts: this.#contracts.gate(),
      link: this.#linkThread.calls,
    });
    return { journal, reader };
  }

  #trace(settings: TracingSettings): Promise<void> {
    const filters = {
      received: () => this.#contracts.routes.map(({ filter }) => filter),
      published: this.settings.publish.allow,
    };
    return this.#operating.trace({ settings, filters, version: this.options.version, clientId: () => this.clientId });
  }

  #makeOperating(subscribers: string[]): Operating {
    const { version, logger } = this.options;
    const { directory } = this.settings.journal;
    const watched = {
      subscribers: () => this.#delivery?.status() ?? [],
      wants: (topic: string) => this.#delivery?.wants(topic) === true || this.#history?.streams.wants(topic) === true,
      append: (batch: MessageBatch) => this.#journaling.journal!.append(batch),
      status: () => this.#watching.status(),
    };
    const traced = this.settings.tracing !== undefined;
    return new Operating({ subscribers, directory, version, traced, logger, watched });
  }

  #makeContracts(): ContractsInForce {
    const { settings } = this;
    const { version, logger } = this.options;
    const { contractMetrics: metrics, repeats, heartbeats } = this.#operating;
    return new ContractsInForce({
      ...{ settings, version, logger, metrics, repeats, heartbeats: heartbeats.buffer },
      attach: (port) => this.#journaling.attach('contract', port),
      named: (contracts) => this.#journaling.contracts(contracts),
      onEvent: (event, value) => this.#heardContracts(event, value),
      onHealth: (health) => {
        this.#contractHealth = health;
        this.#linkThread.calls.contracts(health).catch(() => undefined); // it has ended
      },
      onFatal: (error) => this.#fail(error),
    });
  }

  #makeReloading(source: ConfigSource): Reloading {
    const { settings } = this;
    const { secrets, logger } = this.options;
    const metrics = this.#operating.reloadMetrics();
    const replaceHttp = (http: HttpSettings): void => this.#listening?.replace(http);
    const told = (reload: LastReload): void => this.#operating.reloaded(reload);
    const [contracts, subscribers] = [this.#contracts, (): Registry => this.#registry!];
    const resubscribe = async (subscriptions: SubscriptionSettings[]): Promise<void> => {
      await this.#linkThread.calls.resubscribe(subscriptions);
      this.#operating.incidents.subscriptions(new Set(subscriptions.map(({ name }) => name)));
    };
    return new Reloading({
      ...{ source, settings, secrets, contracts, subscribers, resubscribe, replaceHttp, metrics, told, logger },
    });
  }

  async #startDelivery({ journal, reader }: OpenJournal): Promise<void> {
    const { settings } = this;
    const { version, handlers = [] } = this.options;
    const publisher = this.publisher!;
    const serving = await startServing({
      ...{ settings, handlers, version, journal, reader, publisher },
      ...this.#operating.telling,
      tracing: this.#operating.tracing,
      jsonOf: (record) => this.#contracts.jsonOf(record),
      parametersOf: (topic) => this.#contracts.parametersOf(topic),
      decode: (record) => this.#contracts.decodedOf(record),
      ways: () => this.#contracts.ways,
      isForeign: (record) => this.#contracts.isForeign(record),
      mayTell: () => this.#operating.events.hasRoom,
    });
    this.#delivery = serving.delivery;
    this.#registry = serving.registry;
    this.#delivery.admitted(this.#admittedThrough);
  }

  async #listen(open: OpenJournal): Promise<void> {
    const { http, publish } = this.settings;
    const { publisher, requester } = this.#publishing!;
    publisher.linkUp = (await this.#linkThread.calls.status())?.state === 'up';
    this.#history = this.#openHistory(open);
    this.#listening = await Listening.open(http, {
      ...{ publisher, requester, asyncApi: this.#contracts, history: this.#history },
      ...{ view: this.view(), live: this.#operating.live, examiner: this.#watching.examiner },
      registry: this.#registry!,
      reloader: { reload: () => this.reload('api') },
      maxPayloadBytes: publish.maxPayloadBytes,
      refused: (why) => this.#operating.httpMetrics.refused(why),
      logger: this.options.logger,
      embedded: this.options.embedded,
    });
    this.httpPort = this.#listening.port;
  }

  #openHistory({ journal, reader }: OpenJournal): History {
    return new History({
      shelf: reader,
      keeper: journal,
      recipients: recipientsOf(this.#delivery!, this.#registry!),
      check: (positions) => this.#contracts.checkAgain(positions),
      clock: systemClock,
      stream: this.settings.http.stream,
      fault: (error) => this.options.logger.error({ err: error }, 'a stream failed'),
    });
  }

  /** What may be seen of it once it runs. */
  view(): GatewayView {
    return this.#watching;
  }

  /** The settings, with what has changed since the start. */
  get #inForce(): Settings {
    const { settings } = this;
    const { subscriptions, contracts, publishContracts } = this.#contracts.frame;
    const publish = { ...settings.publish, contracts: publishContracts };
    const broker = { ...settings.broker, ...this.#credentials?.current };
    const ops = { ...settings.ops, port: this.opsPort };
    const http = this.#reloading?.http ?? settings.http;
    const subscribers = this.#registry?.configured ?? settings.subscribers;
    return { ...settings, broker, subscriptions, contracts, subscribers, publish, http, ops };
  }

  #makeWatching(): Watching {
    const { heartbeats, activities, incidents } = this.#operating;
    return new Watching({
      ...{ version: this.options.version, maxBytes: this.settings.journal.maxBytes, heartbeats, activities, incidents },
      startedAt: this.#operating.live.startedAt,
      link: () => this.#linkThread.calls.status(),
      journal: () => this.#journaling.journal,
      subscribers: () => this.#delivery?.status() ?? [],
      contracts: () => this.#contractHealth,
      journalFullAt: () => this.#operating.journalFullAt,
      reload: () => this.#reloading?.last,
      settings: () => this.#inForce,
      file: this.options.source?.file,
      logger: this.options.logger,
    });
  }

  #watch(secrets: Secrets): CredentialsWatch {
    const tells = this.#operating.credentials;
    return new CredentialsWatch(secrets, this.settings.broker, {
      changed: (credentials, keys) => {
        tells.changed(keys);
        this.#linkThread.calls.credentials(credentials).catch(() => undefined); // it has ended, and so has the gateway
      },
      refused: tells.refused,
    });
  }

  #heardLink(event: string, value: unknown): void {
    if (this.#publishing?.heard(event, value) || this.#operating.heard(event, value) || event !== 'link') return;
    const told = value as LinkThreadEvents['link'];
    if ('diagnosis' in told && LOGIN_CAUSES.has(told.diagnosis.cause)) void this.#credentials?.look();
    const { kind } = told;
    this.#operating.link(told);
    if (this.publisher && (kind === 'up' || kind === 'down')) this.publisher.linkUp = kind === 'up';
  }

  #heardContracts(event: string, value: unknown): void {
    if (this.#operating.heard(event, value) || event !== 'admitted') return;
    this.#admittedThrough = Math.max(this.#admittedThrough, value as ContractThreadEvents['admitted']);
    this.#contracts.admittedThrough(this.#admittedThrough);
    this.#delivery?.admitted(this.#admittedThrough);
    this.#history?.streams.admitted(this.#admittedThrough);
  }

  /** What is done with each event of the journal. */
  #journalEars(): JournalEars {
    const tells = this.#operating.journal;
    return {
      ...tells,
      confirmed: (results) => this.publisher?.confirmed(results),
      discarded: (discarded) => {
        this.#delivery?.discarded(discarded);
        tells.discarded(discarded);
      },
      replayEnded: (replay) => {
        this.#delivery?.endReplays(replay.subscriber, replay.number);
        tells.replayEnded(replay);
      },
      fatal: ({ message }) => this.#fail(new Error(message)),
    };
  }
}
