/** What is made of the chart's values.yaml: README.md and values.schema.json. `# --` describes a value, `# @schema {…}` constrains it. */
import { isMap, parse, parseDocument, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { DEFINITIONS } from './schema-definitions.js';

type Schema = { [keyword: string]: unknown };

export interface Value {
  /** Keys from the top. */
  path: string[];
  /** The heading it stands under. */
  section: string;
  description: string;
  standard: unknown;
  schema: Schema;
}

/** Every value that can be set, in the order of the file. Throws for one that nobody has described. */
export function valuesOf(text: string): Value[] {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) throw new Error(document.errors.join('\n'));
  const found: Value[] = [];
  walk(document.contents, [], '', { section: '', found });
  return found;
}

function walk(map: YAMLMap, above: string[], first: string, state: { section: string; found: Value[] }): void {
  for (const [index, pair] of (map.items as Pair<Scalar<string>>[]).entries()) {
    const path = [...above, pair.key.value];
    const comment = pair.key.commentBefore ?? (index === 0 ? (map.commentBefore ?? first) : '');
    const lines = comment.split('\n').map((line) => line.replace(/^ /, ''));
    state.section = lines.findLast((line) => line.startsWith('@section '))?.slice(9) ?? state.section;
    const start = lines.findIndex((line) => line.startsWith('-- '));
    const written = lines.find((line) => line.startsWith('@schema '))?.slice(8);
    const value = (pair.toJSON() as { [key: string]: unknown })[pair.key.value];
    if (start < 0) {
      if (!isMap(pair.value)) throw new Error(`${path.join('.')} has no description`);
      walk(pair.value, path, '', state);
      continue;
    }
    const description = lines
      .slice(start)
      .filter((line) => !line.startsWith('@'))
      .join(' ')
      .slice(3);
    const schema = { ...typeOf(path, value, written), ...((parse(written ?? '{}') as Schema | null) ?? {}) };
    state.found.push({ path, section: state.section, description, standard: value, schema });
  }
}

/** What the default says of the type. An empty list or map says nothing of what is in it. */
function typeOf(path: string[], value: unknown, written: string | undefined): Schema {
  if (written?.includes('$ref') && !written.includes('items')) return {};
  if (Array.isArray(value) || (typeof value === 'object' && value !== null)) {
    if (written === undefined) throw new Error(`${path.join('.')} needs a @schema`);
    return { type: Array.isArray(value) ? 'array' : 'object' };
  }
  if (value === null) return {};
  return { type: typeof value === 'number' ? 'integer' : typeof value };
}

/** @param configuration the gateway's own schema */
export function schemaOf(values: Value[], configuration: Schema): Schema {
  const { $defs: own, ...gateway } = configuration;
  delete gateway['$schema'];
  const root = objectSchema();
  for (const { path, description, standard, schema } of values) {
    let place = root;
    for (const key of path.slice(0, -1)) {
      require(place, key);
      place = place.properties[key] ??= objectSchema();
    }
    if (standard !== null) require(place, path.at(-1)!);
    const shown = typeof standard === 'object' ? {} : { default: standard };
    place.properties[path.at(-1)!] = { ...schema, description, ...shown } as unknown as ObjectSchema;
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Values of the Holdfast chart',
    ...root,
    $defs: { ...DEFINITIONS, configuration: gateway, ...(own as object) },
  };
}

interface ObjectSchema extends Schema {
  properties: { [key: string]: ObjectSchema };
  required: string[];
}

function objectSchema(): ObjectSchema {
  return { type: 'object', properties: {}, required: [], additionalProperties: false };
}

/** Whatever has a default is there, unless somebody takes it away with `null`. */
function require({ required }: ObjectSchema, key: string): void {
  if (!required.includes(key)) required.push(key);
}

/** @param template has `<!-- values -->` where the tables belong */
export function readmeOf(values: Value[], template: string): string {
  const sections = [...new Set(values.map(({ section }) => section))].map((section) => {
    const rows = values.filter((value) => value.section === section).map(rowOf);
    return [`### ${section}`, '', '| value | default | what it is |', '|---|---|---|', ...rows].join('\n');
  });
  return template.replace('<!-- values -->', () => sections.join('\n\n'));
}

function rowOf({ path, description, standard }: Value): string {
  const text = JSON.stringify(standard);
  const shown = text.length > 60 ? 'see [values.yaml](values.yaml)' : `\`${text}\``;
  const cells = [`\`${path.join('.')}\``, shown, description];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
