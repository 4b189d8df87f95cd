import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parameterised } from '../domain/topic-parameters.js';
import { importFile, type Imported, type Perspective } from '../asyncapi/index.js';

export interface ImportFlags {
  /** The folder that is written to; made when it is not there. */
  out: string;
  /** Existing files are overwritten. */
  force: boolean;
  as: Perspective;
}

/** How an import ended, and what is to be told. */
export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Writes what an AsyncAPI document says as configuration and schemas, and tells of it. @returns the exit code */
export function importAsyncApi(file: string, flags: ImportFlags): number {
  const { code, out, err } = importInto(file, flags);
  process.stderr.write(err);
  process.stdout.write(out);
  return code;
}

/** The same, and tells nothing. Nothing is fetched. */
export function importInto(file: string, { out, force, as }: ImportFlags): Ended {
  const imported = importFile(file, { perspective: as });
  if ('fault' in imported) return failed(2, `${file} ${imported.fault}`);
  const warnings = warningsText(imported.warnings);
  const { subscriptions, publish } = imported.fragment;
  if (subscriptions.length + publish.allow.length === 0) {
    return failed(1, `${file} has no operation on a topic; nothing was written`, warnings);
  }
  const files = [...imported.files].map(([name, text]) => ({ path: join(out, name), text }));
  const there = files.filter(({ path }) => isThere(path)).map(({ path }) => path);
  if (there.length > 0 && !force) {
    const mend = 'give --out another folder, or --force to overwrite. Nothing was written';
    return failed(1, `${there.join(', ')} exists; ${mend}`, warnings);
  }
  const written: string[] = [];
  try {
    for (const { path, text } of files) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { flag: force ? 'w' : 'wx' });
      written.push(path);
    }
  } catch (error) {
    const before = written.length > 0 ? `; written before that: ${written.join(', ')}` : '';
    return failed(1, `${(error as Error).message}${before}`, warnings);
  }
  return { code: 0, out: summary(imported, written, as), err: warnings };
}

function failed(code: number, problem: string, warnings = ''): Ended {
  return { code, out: '', err: `${warnings}holdfast: ${problem}\n` };
}

/** A link that leads nowhere is there, too. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // The folder is a file: writing will say so.
  }
}

function warningsText(warnings: Imported['warnings']): string {
  if (warnings.length === 0) return '';
  return `Warnings:\n${warnings.map(({ place, message }) => `  ${place}\n    ${message}\n`).join('')}`;
}

function summary({ title, fragment, warnings }: Imported, written: string[], as: Perspective): string {
  const { subscriptions, publish } = fragment;
  const side = as === 'application' ? 'the application it describes' : 'a client of the application it describes';
  const lines = [
    `${title}, the gateway as ${side}`,
    `Received (subscriptions): ${subscriptions.length}`,
    ...subscriptions.map(({ filter, qos, contract }) => {
      const level = qos === undefined ? '' : `qos ${qos}, `;
      return `  ${filter}  ${level}${contract === undefined ? 'any payload' : `contract ${contract}`}`;
    }),
    `Sent (publish.allow): ${publish.allow.length}`,
    ...publish.allow.map((filter) => {
      const checked = publish.contracts.find((one) => parameterised(one.filter).filter === filter);
      return `  ${filter}${checked ? `  contract ${checked.contract}` : ''}`;
    }),
    'Written:',
    ...written.map((path) => `  ${path}`),
    `Warnings: ${warnings.length}`,
  ];
  return `${lines.join('\n')}\n`;
}
