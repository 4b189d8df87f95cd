import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './children.js';

/** A new, empty directory that is removed when the test process ends. */
export function scratchDirectory(purpose = 'scratch'): string {
  const directory = mkdtempSync(join(tmpdir(), `holdfast-${purpose}-`));
  atExit(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
