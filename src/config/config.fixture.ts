import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scratchDirectory } from '../../test/support/scratch.js';
import type { Settings } from '../domain/settings.js';
import { loadSettings, type Loaded } from './load.js';
import type { ConfigProblem } from './problem.js';

/** Enough for a configuration without problems. */
export const BROKER = 'broker: { url: mqtt://localhost }\n';

export const directory = scratchDirectory('config');
let files = 0;

/** Writes a file beside the configurations. @returns its absolute path */
export function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

export function load(text: string | Uint8Array, environment: NodeJS.ProcessEnv = {}): Loaded {
  return loadSettings(write(`gateway-${files++}.yaml`, text), environment);
}

/** The settings of a configuration that must have no problems. */
export function settingsOf(text: string, environment: NodeJS.ProcessEnv = {}): Settings {
  const loaded = load(text, environment);
  assert.deepEqual('problems' in loaded ? loaded.problems : [], []);
  assert.ok('settings' in loaded);
  return loaded.settings;
}

/** The problems of a configuration that must have some. */
export function problemsOf(text: string | Uint8Array, environment: NodeJS.ProcessEnv = {}): ConfigProblem[] {
  const loaded = load(text, environment);
  assert.ok('problems' in loaded, 'there is no problem');
  assert.ok(loaded.problems.length > 0);
  for (const { message, mend, line, column } of loaded.problems) {
    assert.match(message, /^\S/);
    assert.match(mend, /^\S/);
    assert.ok(line >= 1 && column >= 1);
  }
  return loaded.problems;
}

/** The problems as `line path: message`. */
export function told(text: string | Uint8Array, environment: NodeJS.ProcessEnv = {}): string[] {
  return problemsOf(text, environment).map(({ path, line, message }) => `${line} ${path}: ${message}`);
}
