/** `npm run chart:docs`: makes the chart's README.md and values.schema.json anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../tidy/tree.js';
import { readmeOf, schemaOf, valuesOf } from './documents.js';

const CHART = join(ROOT, 'helm/holdfast');
const read = (path: string): string => readFileSync(path, 'utf8');

/** By the file's name in the chart. */
export function documents(): { [name: string]: string } {
  const values = valuesOf(read(join(CHART, 'values.yaml')));
  const configuration = JSON.parse(read(join(ROOT, 'config/gateway.schema.json'))) as { [keyword: string]: unknown };
  return {
    'README.md': readmeOf(values, read(join(CHART, 'README.template.md'))),
    'values.schema.json': `${JSON.stringify(schemaOf(values, configuration), null, 2)}\n`,
  };
}

if (process.argv[1]?.endsWith('write-documents.js')) {
  for (const [name, text] of Object.entries(documents())) writeFileSync(join(CHART, name), text);
}
