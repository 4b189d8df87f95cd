import { dirname, resolve } from 'node:path';
import type { Credentials, Settings } from '../domain/settings.js';
import { checkedConfig } from './check.js';
import { filesOf } from './contract-rules.js';
import { GatewayConfig } from './gateway.config.js';
import { checkListening } from './http-rules.js';
import { checkLink } from './link-rules.js';
import { Report } from './problem.js';
import type { ConfigProblem, Path, Position } from './problem.js';
import { Reader } from './reader.js';
import type { Surroundings } from './reference.js';
import { credentialsOf, resolveSettings } from './resolve.js';
import { checkOutbox } from './outbox-rules.js';
import { checkRouting } from './routing-rules.js';
import { checkSending } from './sending-rules.js';
import { object } from './shape.js';
import { parseSource, readSource } from './source.js';

/** `files`: absolute paths of the file and of all that it refers to, also of what is not there. To be looked at, not shown. */
export type Loaded =
  | {
      settings: Settings;
      warnings: ConfigProblem[];
      /** Where in the file this stands, for problems that only what uses the settings can find. */
      positionOf: (path: Path) => Position;
      secrets: Secrets;
      files: readonly string[];
    }
  | { problems: ConfigProblem[]; warnings: ConfigProblem[]; files: readonly string[] };

/** The files that a configuration takes secrets and certificates from. */
export interface Secrets {
  /** Absolute paths. */
  readonly files: readonly string[];
  /**
   * Reads those files again, with the configuration as it was when it was loaded. Synchronous, never throws.
   * @returns what lets the link in, or why what the files hold now cannot be used
   */
  reread(): { credentials: Credentials } | { problems: ConfigProblem[] };
}

/** What is read when no file is named, relative to the working directory. */
export const DEFAULT_CONFIG_FILE = 'gateway.yaml';

/**
 * Reads the configuration file, the files it refers to, and `environment` for its `${NAME}` references.
 * Synchronous. Never throws: a file that cannot be read is a problem too (with line 0).
 * @returns the settings, or every problem at once in the order of the file; problems never hold values
 */
export function loadSettings(path: string, environment: NodeJS.ProcessEnv): Loaded {
  const report = new Report();
  const file = resolve(path);
  const surroundings = { environment, directory: dirname(file), files: new Set<string>() };
  const text = readSource(file, report);
  const built = text === undefined ? undefined : build(text, surroundings, report);
  const settings = built?.settings;
  report.sort();
  const { problems, warnings } = report;
  const files = [...new Set([file, ...surroundings.files, ...(built?.contractFiles ?? [])])];
  if (!settings || text === undefined) return { problems, warnings, files };
  const secrets = {
    files: [...surroundings.files],
    reread: () => reread(text, surroundings, settings.broker),
  };
  return { settings, warnings, positionOf: (at) => report.positionOf(at), secrets, files };
}

interface Built {
  contractFiles: string[];
  /** Absent when there is a problem anywhere. */
  settings?: Settings;
  /** Absent when there is a problem with the broker. */
  credentials?: Credentials;
}

function build(text: string, surroundings: Surroundings, report: Report): Built | undefined {
  const { directory } = surroundings;
  const source = parseSource(text, report);
  if (!source) return undefined;
  const plain = new Reader(source, report, surroundings).document(object(GatewayConfig));
  const config = checkedConfig(plain, report);
  const broker = checkLink(config, report, surroundings);
  checkRouting(config, report, directory);
  checkOutbox(config, report);
  const subscribers = checkSending(config, report, surroundings);
  const http = checkListening(config, report, surroundings);
  const certificates = { broker, subscribers, http };
  return {
    contractFiles: [...config.contracts.values()].flatMap((one) => filesOf(one, directory)),
    ...(report.problems.length === 0 ? { settings: resolveSettings(config, certificates, directory) } : {}),
    ...(report.clean(['broker']) ? { credentials: credentialsOf(config.broker, broker) } : {}),
  };
}

function reread(text: string, surroundings: Surroundings, before: Credentials): ReturnType<Secrets['reread']> {
  const report = new Report();
  const credentials = build(text, surroundings, report)?.credentials;
  for (const key of ['username', 'password'] as const) {
    // Whoever rewrites a file in place empties it first.
    if (!credentials || !before[key] || credentials[key]) continue;
    report.problem(['broker', key], 'is empty now', 'Write it again; until then the one before it is used.');
  }
  if (credentials && report.clean(['broker'])) return { credentials };
  report.sort();
  return { problems: report.problems.filter(({ path }) => path === 'broker' || path.startsWith('broker.')) };
}
