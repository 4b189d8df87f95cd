import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { findProgram } from '../support/needs.js';
import { parseManifests, type Manifest } from '../support/kubelet/manifests.js';
import { scratchDirectory } from '../support/scratch.js';
import { ROOT } from '../tidy/tree.js';

const KUBERNETES = '1.33.0';

/** What `helm template` makes of Holdfast's chart, the names of its parts beginning with `release`. */
export function render(values: object, release = 'gw', chart = join(ROOT, 'helm/holdfast')): Manifest[] {
  const file = join(scratchDirectory('values'), 'values.yaml');
  writeFileSync(file, stringify(values));
  const helm = findProgram('helm')!;
  return parseManifests(
    execFileSync(helm, ['template', release, chart, '--kube-version', KUBERNETES, '--values', file], {
      stdio: 'pipe',
    }).toString(),
  );
}

/** What it makes of the chart that shows how another one includes the gateway; the dependency is where Helm would put it. */
export function renderSidecar(values: object): Manifest[] {
  const chart = join(scratchDirectory('chart'), 'sidecar-app');
  cpSync(join(ROOT, 'helm/examples/sidecar-app'), chart, { recursive: true });
  cpSync(join(ROOT, 'helm/holdfast'), join(chart, 'charts/holdfast'), { recursive: true });
  return render(values, 'app', chart);
}
