import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importFile, type Imported, type Perspective } from '../asyncapi/index.js';

export interface ImportFlags {
  /** The folder that is written to; made when it is not there. */
  out: string;
  /** Existing files are overwritten. */
  force: boolean;
  as: Perspective;
}

/** Writes what an AsyncAPI document says as configuration and schemas. Nothing is fetched. @returns the exit code */
export function importAsyncApi(file: string, { out, force, as }: ImportFlags): number {
  const imported = importFile(file, { perspective: as });
  if ('fault' in imported) return failed(2, `${file} ${imported.fault}`);
  const { subscriptions, publish } = imported.fragment;
  process.stderr.write(warningsText(imported.warnings));
  if (subscriptions.length + publish.allow.length === 0) {
    return failed(1, `${file} has no operation on a topic; nothing was written`);
  }
  const files = [...imported.files].map(([name, text]) => ({ path: join(out, name), text }));
  const there = files.filter(({ path }) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
  if (there.length > 0 && !force) {
    const names = there.map(({ path }) => path).join(', ');
    return failed(1, `${names} exists; give --out another folder, or --force to overwrite. Nothing was written`);
  }
  const written: string[] = [];
  try {
    for (const { path, text } of files) {
      if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { flag: force ? 'w' : 'wx' });
      written.push(path);
    }
  } catch (error) {
    const before = written.length > 0 ? `; written before that: ${written.join(', ')}` : '';
    return failed(1, `${(error as Error).message}${before}`);
  }
  process.stdout.write(summary(imported, written, as));
  return 0;
}

function failed(code: number, problem: string): number {
  process.stderr.write(`holdfast: ${problem}\n`);
  return code;
}

function warningsText(warnings: Imported['warnings']): string {
  if (warnings.length === 0) return '';
  return `Warnings:\n${warnings.map(({ place, message }) => `  ${place}\n    ${message}\n`).join('')}`;
}

function summary({ title, fragment, warnings }: Imported, written: string[], as: Perspective): string {
  const { subscriptions, publish } = fragment;
  const lines = [
    `${title}, the gateway as ${as === 'application' ? 'the application it describes' : 'a client of the application it describes'}`,
    `Received (subscriptions): ${subscriptions.length}`,
    ...subscriptions.map(({ filter, qos, contract }) => {
      return `  ${filter}  ${qos === undefined ? '' : `qos ${qos}, `}${contract === undefined ? 'any payload' : `contract ${contract}`}`;
    }),
    `Sent (publish.allow): ${publish.allow.length}`,
    ...publish.allow.map((filter) => `  ${filter}`),
    'Written:',
    ...written.map((path) => `  ${path}`),
    `Warnings: ${warnings.length}`,
  ];
  return `${lines.join('\n')}\n`;
}
