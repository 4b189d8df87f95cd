import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from '../support/needs.js';
import { ROOT } from '../tidy/tree.js';

/** Of Kubernetes: those whose schemas are beside this file. */
export const VERSIONS = ['1.30.0', '1.33.0', '1.37.0'];
const SCHEMAS = join(ROOT, 'test/chart/schemas');
const LOCATIONS = [
  join(SCHEMAS, '{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json'),
  join(SCHEMAS, 'monitoring/{{.ResourceKind}}{{.KindSuffix}}.json'),
];

/** Whether the objects are what an API server of this version takes. */
export function kubeconform(text: string, kubernetes: string): { valid: boolean; said: string } {
  const locations = LOCATIONS.flatMap((location) => ['-schema-location', location]);
  const args = ['-strict', '-summary', '-kubernetes-version', kubernetes, ...locations];
  const { status, stdout, stderr } = spawnSync(findProgram('kubeconform')!, args, { input: text, encoding: 'utf8' });
  return { valid: status === 0, said: stdout + stderr };
}
