import { code, escaped, prose } from './html.js';
import type { Json } from './schemas.js';

const SCHEMAS = '#/components/schemas/';
/** What is larger is a bound for machines. */
const COUNTED_MAX = 1e12;
/** Bounds of a number, a text and a list, in words. */
const BOUNDS: readonly [keyword: string, words: (bound: unknown) => string][] = [
  ['minimum', (bound) => `from ${String(bound)}`],
  ['exclusiveMinimum', (bound) => `above ${String(bound)}`],
  ['maximum', (bound) => ((bound as number) > COUNTED_MAX ? '' : `up to ${String(bound)}`)],
  ['maxLength', (bound) => `up to ${String(bound)} characters`],
  ['maxItems', (bound) => `up to ${String(bound)}`],
];

/** What a value may be, in a line; a schema with a name of its own as a link to it. */
export function typeOf(schema: Json): string {
  const { $ref, enum: words, const: only, anyOf, oneOf, type, format, contentEncoding, items } = schema;
  if (typeof $ref === 'string') return linkTo($ref);
  if (Array.isArray(words)) return words.map((word) => code(JSON.stringify(word))).join(' or ');
  if (only !== undefined) return code(JSON.stringify(only));
  const several = anyOf ?? (Array.isArray(oneOf) && type === undefined ? oneOf : undefined);
  if (Array.isArray(several)) return several.map((one) => typeOf(one as Json)).join(' or ');
  if (type === 'array') return `list of ${typeOf((items ?? {}) as Json)}${boundsOf(schema)}`;
  const kinds = [type ?? 'any value'].flat().map(String).join(' or ');
  const kind = [format, contentEncoding].filter((one) => typeof one === 'string').join(', ');
  return escaped(`${kinds}${kind && ` (${kind})`}`) + boundsOf(schema);
}

function boundsOf(schema: Json): string {
  const bounds = BOUNDS.flatMap(([keyword, words]) => (schema[keyword] === undefined ? [] : [words(schema[keyword])]));
  const said = bounds.filter(Boolean);
  return said.length > 0 ? `, ${escaped(said.join(', '))}` : '';
}

function linkTo(reference: string): string {
  const name = reference.slice(SCHEMAS.length);
  return `<a href="#schema-${escaped(name)}">${escaped(name)}</a>`;
}

/** One name of a list, with what may be there. */
export function field(name: string, schema: Json, required: boolean, description?: unknown): string {
  const { default: standard } = schema;
  const said = description ?? schema['description'];
  const rest = [
    ...(required ? ['<span class="required">required</span>'] : []),
    ...(standard === undefined || typeof standard === 'object' ? [] : [`default ${code(JSON.stringify(standard))}`]),
  ];
  const type = [`<span class="type">${typeOf(schema)}</span>`, ...rest].join(' · ');
  const words = typeof said === 'string' ? `<p>${prose(said)}</p>` : '';
  return `<div><dt>${code(name)}</dt><dd>${type}${words}${membersOf(inner(schema))}</dd></div>`;
}

/** The members of an object; nothing for what has none. */
export function membersOf({ properties, required = [] }: Json): string {
  if (properties === undefined) return '';
  const fields = Object.entries(properties as { [name: string]: Json });
  const names = required as string[];
  return `<dl>${fields.map(([name, schema]) => field(name, schema, names.includes(name))).join('')}</dl>`;
}

/** What a list is of. */
function inner(schema: Json): Json {
  return schema['type'] === 'array' ? ((schema['items'] ?? {}) as Json) : schema;
}
