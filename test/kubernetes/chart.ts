import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findProgram } from '../support/needs.js';
import { parseManifests, type Manifest } from '../support/kubelet/manifests.js';
import { scratchDirectory } from '../support/scratch.js';
import { ROOT } from '../tidy/tree.js';

/** What `helm template` makes of a chart, the names of its parts beginning with `release`. */
export function render(values: object, release = 'gw', chart = 'helm/holdfast'): Manifest[] {
  const file = join(scratchDirectory('values'), 'values.yaml');
  writeFileSync(file, stringify(values));
  const helm = findProgram('helm')!;
  return parseManifests(
    execFileSync(helm, ['template', release, join(ROOT, chart), '--values', file], { stdio: 'pipe' }).toString(),
  );
}
