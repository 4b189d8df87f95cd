import { formatProblems, loadSettings } from '../config/index.js';
import { HoldfastError } from '../domain/errors.js';
import type { Settings } from '../domain/settings.js';
import { filtersOverlap, OWN_TOPICS, withoutShare } from '../domain/topic.js';
import { leave } from '../domain/worker-end.js';
import { createGateway, type Gateway } from '../gateway.js';
import type { HandlerSubscriber } from '../handlers/index.js';
import { createLogger } from '../ops/index.js';
import { VERSION } from '../version.js';

export interface HoldfastOptions {
  /** Path of the configuration file, as for `holdfast start`: relative to the working directory. */
  config: string;
}

export interface EmbeddedOptions extends HoldfastOptions {
  /** It starts when {@link EmbeddedGateway.appIsReady} is called, at the earliest. Default false. */
  waitsForApp?: boolean;
}

interface Running {
  gateway: Gateway;
  stop(): Promise<void>;
}

/** Data directories of the gateways in this process. */
const inUse = new Set<string>();

/** The one gateway of an app: whatever starts, uses or stops it, there is one session and one journal. */
export class EmbeddedGateway {
  #mayStart: boolean;
  #handlers: HandlerSubscriber[] | undefined;
  #starting: Promise<Running> | undefined;
  #stopped = false;

  constructor(private readonly options: EmbeddedOptions) {
    this.#mayStart = !options.waitsForApp;
  }

  /** The gateway once it runs: a handler may be called while it still starts. @throws HoldfastError NOT_STARTED, SHUTTING_DOWN */
  async running(): Promise<Gateway> {
    if (this.#stopped) throw new HoldfastError('SHUTTING_DOWN', 'the gateway has stopped');
    if (!this.#starting) throw new HoldfastError('NOT_STARTED', 'the gateway inside this app has not started yet');
    return (await this.#starting).gateway;
  }

  /**
   * The transport listens, with these handlers. Resolves when the gateway runs, or at once when it waits for the app.
   * @throws HoldfastError with what `holdfast start` would say
   */
  async serve(handlers: HandlerSubscriber[]): Promise<void> {
    if (this.#starting || this.#handlers) {
      const mend = 'connect HoldfastTransport once, before app.init() and app.listen()';
      throw new HoldfastError(
        'CONFIG_INVALID',
        `the gateway inside this app has started without these handlers: ${mend}`,
      );
    }
    this.#handlers = handlers;
    if (this.#mayStart) await this.#start();
  }

  /**
   * The app’s modules are initialised. Resolves when the gateway runs, or at once when its transport is yet to listen.
   * @param connected whether there is such a transport
   * @throws as {@link serve}
   */
  async appIsReady(connected: boolean): Promise<void> {
    this.#mayStart = true;
    if (this.#handlers || !connected) await this.#start();
  }

  /** Lets acknowledgements, the outbox and attempts finish, as `holdfast start` does when it is told to stop. */
  async stop(): Promise<void> {
    const running = await this.#starting?.catch(() => undefined);
    await running?.stop();
    this.#stopped = true;
  }

  async #start(): Promise<void> {
    this.#starting ??= launch(this.options.config, this.#handlers ?? []);
    await this.#starting;
  }
}

async function launch(config: string, handlers: HandlerSubscriber[]): Promise<Running> {
  const loaded = loadSettings(config, process.env);
  if ('problems' in loaded) {
    throw new HoldfastError('CONFIG_INVALID', `\n${formatProblems(config, loaded.problems, false)}`);
  }
  const { settings, warnings, secrets, files } = loaded;
  const source = { file: config, files, load: () => loadSettings(config, process.env) };
  const logger = createLogger(settings.log, process.stdout.isTTY);
  for (const { path, line, message, mend } of warnings) logger.warn({ path, line, mend }, message);
  for (const pattern of deafPatterns(settings, handlers)) {
    logger.warn({ pattern }, 'a handler’s pattern matches no topic that any subscription brings');
  }
  const running = await alone(settings.journal.directory, () =>
    createGateway(settings, { version: VERSION, logger, handlers, secrets, source, embedded: true }),
  );
  const { gateway } = running;
  const { clientId, httpPort, opsPort } = gateway;
  logger.info({ version: VERSION, clientId, httpPort, opsPort, handlers: handlers.length }, 'started');
  void gateway.failed.then((error) => {
    // Going on without a journal would be going on without the promise.
    logger.fatal({ err: error }, 'the gateway cannot go on');
    void leave(1);
  });
  const stop = async (): Promise<void> => {
    logger.info('stopping with the app');
    await running.stop();
    logger.info('stopped');
  };
  return { gateway, stop };
}

/** Within a process the journal's lock would be found only after the ports, which say less. */
async function alone(directory: string, start: () => Promise<Gateway>): Promise<Running> {
  if (inUse.has(directory)) {
    const mend = 'with HoldfastModule, connect its own transport: { strategy: app.get(HoldfastTransport) }';
    const message = `another gateway in this process has the data directory ${directory}; ${mend}`;
    throw new HoldfastError('JOURNAL_LOCKED', message);
  }
  inUse.add(directory);
  const free = (): boolean => inUse.delete(directory);
  try {
    const gateway = await start();
    return { gateway, stop: () => gateway.stop().finally(free) };
  } catch (error) {
    free();
    throw error;
  }
}

function deafPatterns({ subscriptions }: Settings, handlers: HandlerSubscriber[]): string[] {
  const filters = subscriptions.map(({ filter }) => withoutShare(filter));
  const heard = (topic: string): boolean =>
    topic.startsWith(OWN_TOPICS) || filters.some((filter) => filtersOverlap(filter, topic));
  return handlers.flatMap(({ settings }) => settings.topics.filter((topic) => !heard(topic)));
}
