import type { Logger } from 'pino';
import { formatProblems, loadSettings } from '../config/index.js';
import { HoldfastError } from '../domain/errors.js';
import { createGateway, type Gateway } from '../gateway.js';
import { createLogger } from '../ops/index.js';
import { nextSignal, signalsHeard } from '../signals.js';
import { VERSION } from '../version.js';

/** Runs the gateway until a signal or a fault ends it. @returns the exit code */
export async function start(file: string): Promise<number> {
  await signalsHeard();
  const loaded = loadSettings(file, process.env);
  if ('problems' in loaded) {
    process.stderr.write(formatProblems(file, loaded.problems, process.stderr.isTTY));
    return 2;
  }
  const { settings, warnings, secrets, files } = loaded;
  const logger = createLogger(settings.log, process.stdout.isTTY);
  for (const { path, line, message, mend } of warnings) logger.warn({ path, line, mend }, message);
  const signalled = nextSignal();
  let gateway: Gateway | undefined;
  // From the beginning on: what nobody listens to ends the process. Windows has no such signal to ask with.
  process.on('SIGHUP', () => {
    if (process.platform !== 'win32') gateway?.reload('signal').catch(() => undefined); // it was told
  });
  const source = { file, files, load: () => loadSettings(file, process.env) };
  try {
    const starting = createGateway(settings, { version: VERSION, logger, secrets, source });
    const first = await Promise.race([starting, signalled]);
    if (typeof first === 'string') {
      logger.info({ signal: first }, 'ended before it had started; what is in the journal stays there');
      starting.catch(() => undefined);
      return 0;
    }
    gateway = first;
  } catch (error) {
    if (!(error instanceof HoldfastError)) {
      logger.fatal({ err: error }, 'the gateway cannot start');
      return 1;
    }
    const { code, hint, message } = error;
    logger.fatal({ code, error: message, hint }, 'the gateway cannot start');
    return code === 'CONFIG_INVALID' || code === 'CLIENT_ID_CHANGED' ? 2 : 1;
  }
  const { clientId, httpPort, opsPort } = gateway;
  logger.info({ version: VERSION, clientId, httpPort, opsPort }, 'started');
  const why = await Promise.race([signalled, gateway.failed]);
  if (why instanceof Error) {
    // What was acknowledged is on disk; finishing anything else on a failing disk would only promise more.
    logger.fatal({ err: why }, 'the gateway cannot go on');
    return 1;
  }
  return stop(gateway, why, logger);
}

async function stop(gateway: Gateway, name: string, logger: Logger): Promise<number> {
  logger.info({ signal: name }, 'stopping; a second signal ends it at once');
  const again = nextSignal().then((second) => {
    logger.warn({ signal: second }, 'ended at once; what was not finished is in the journal');
    return 1;
  });
  const code = await Promise.race([gateway.stop().then(() => 0), again]);
  if (code === 0) logger.info('stopped');
  return code;
}
