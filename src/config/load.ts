import { dirname, resolve } from 'node:path';
import type { Settings } from '../domain/settings.js';
import { checkedConfig } from './check.js';
import { GatewayConfig } from './gateway.config.js';
import { checkListening } from './http-rules.js';
import { checkLink } from './link-rules.js';
import { Report } from './problem.js';
import type { ConfigProblem, Path, Position } from './problem.js';
import { Reader } from './reader.js';
import { resolveSettings } from './resolve.js';
import { checkRouting } from './routing-rules.js';
import { object } from './shape.js';
import { parseSource, readSource } from './source.js';

export type Loaded =
  | {
      settings: Settings;
      warnings: ConfigProblem[];
      /** Where in the file this stands, for problems that only what uses the settings can find. */
      positionOf: (path: Path) => Position;
    }
  | { problems: ConfigProblem[]; warnings: ConfigProblem[] };

/** What is read when no file is named, relative to the working directory. */
export const DEFAULT_CONFIG_FILE = 'gateway.yaml';

/**
 * Reads the configuration file, the files it refers to, and `environment` for its `${NAME}` references.
 * Synchronous. Never throws: a file that cannot be read is a problem too (with line 0).
 * @returns the settings, or every problem at once in the order of the file; problems never hold values
 */
export function loadSettings(path: string, environment: NodeJS.ProcessEnv): Loaded {
  const report = new Report();
  const settings = load(resolve(path), environment, report);
  report.sort();
  const { problems, warnings } = report;
  return settings ? { settings, warnings, positionOf: (at) => report.positionOf(at) } : { problems, warnings };
}

function load(file: string, environment: NodeJS.ProcessEnv, report: Report): Settings | undefined {
  const directory = dirname(file);
  const text = readSource(file, report);
  const source = text === undefined ? undefined : parseSource(text, report);
  if (!source) return undefined;
  const plain = new Reader(source, report, environment, directory).document(object(GatewayConfig));
  const config = checkedConfig(plain, report);
  const tls = checkLink(config, report, directory);
  checkRouting(config, report, directory);
  checkListening(config, report);
  return report.problems.length === 0 ? resolveSettings(config, tls, directory) : undefined;
}
