/**
 * References in values: `${NAME}`, `${NAME:-default}` (used when the variable is unset or empty) and
 * `${file:/path}` (the file's text without one trailing line feed). `$${` is a literal `${`. What a
 * reference yields is text: it is never read as YAML, and references in it are not followed.
 */
import { resolve } from 'node:path';
import { readTextFile } from './text-file.js';

/** A secret is short; 64 KiB has room for any token or certificate. */
const REFERENCED_FILE_BYTES_MAX = 65_536;
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

export interface Substituted {
  text: string;
  /** The whole text was exactly one reference. */
  single: boolean;
  flaws: { message: string; mend: string }[];
}

/** What references are resolved with. */
export interface Surroundings {
  environment: NodeJS.ProcessEnv;
  /** Files are relative to it. */
  directory: string;
  /** Gathers the absolute path of every file that is read. */
  files: Set<string>;
}

/** Replaces every reference in `text`. */
export function substitute(text: string, surroundings: Surroundings): Substituted {
  const flaws: Substituted['flaws'] = [];
  const result = text.replace(REFERENCE, (whole, inside: string | undefined, end: string) => {
    if (inside === undefined) return '${';
    const found = end === '' ? malformed('a reference is not closed') : valueOf(inside, surroundings);
    if (typeof found === 'string') return found;
    flaws.push(found);
    return whole;
  });
  return { text: result, single: /^\$\{[^}]*\}$/.test(text), flaws };
}

function malformed(message: string): { message: string; mend: string } {
  return { message, mend: 'Write ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal ${.' };
}

function valueOf(inside: string, surroundings: Surroundings): string | { message: string; mend: string } {
  const { environment } = surroundings;
  if (inside.startsWith('file:')) return contentOf(inside.slice('file:'.length), surroundings);
  const variable = VARIABLE.exec(inside);
  if (!variable) return malformed('a reference is not written as it should be');
  const name = variable[1]!;
  // process.env inherits names such as `constructor`, as every object does.
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (variable[2] !== undefined) return value ? value : variable[2];
  if (value !== undefined) return value;
  return {
    message: `the environment variable ${name} is not set`,
    mend: `Set ${name}, or give a default: \${${name}:-default}.`,
  };
}

function contentOf(path: string, surroundings: Surroundings): string | { message: string; mend: string } {
  if (path === '') return malformed('a file reference names no file');
  const absolute = resolve(surroundings.directory, path);
  surroundings.files.add(absolute);
  const file = readTextFile(absolute, REFERENCED_FILE_BYTES_MAX);
  if ('text' in file) return file.text.replace(/\r?\n$/, '');
  return {
    message: `the file ${JSON.stringify(path)} ${file.fault}`,
    mend: 'Mount the file, or mend its path; relative paths are relative to the configuration file.',
  };
}
