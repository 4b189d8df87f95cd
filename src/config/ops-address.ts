import { dirname, resolve } from 'node:path';
import { GatewayConfig } from './gateway.config.js';
import { OpsConfig } from './http.config.js';
import { Report } from './problem.js';
import { Reader } from './reader.js';
import { object } from './shape.js';
import { parseSource, readSource } from './source.js';

/**
 * Where a gateway with this file has its ops port; `port` 0: any free one. Whatever else is wrong with the file does not
 * matter, because the gateway keeps running when a change to it is bad; what cannot be read of this is the default.
 */
export function opsAddress(path: string, environment: NodeJS.ProcessEnv): { host: string; port: number } {
  const report = new Report();
  const file = resolve(path);
  const text = readSource(file, report);
  const source = text === undefined ? undefined : parseSource(text, report);
  const surroundings = { environment, directory: dirname(file), files: new Set<string>() };
  const plain = source && new Reader(source, report, surroundings).document(object(GatewayConfig));
  const written = (plain?.['ops'] ?? {}) as { host?: unknown; port?: unknown };
  const { host, port } = new OpsConfig();
  return {
    host: typeof written.host === 'string' ? written.host : host,
    port: isPort(written.port) ? written.port : port,
  };
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}
