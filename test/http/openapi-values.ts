/** Values that JSON Schemas of the OpenAPI document allow, and some that they do not. */
import * as fc from 'fast-check';

export interface Json {
  [keyword: string]: unknown;
}

/** Nested so deep at most: schemas that hold themselves would never end. */
const DEPTH_MAX = 3;
const EVEN = { minimum: -(2 ** 53) + 1, maximum: 2 ** 53 - 1 };

/** Members that may be left out, and are not: of many some would not go together, which no schema says. */
const OPTIONAL_MAX = 3;

export class Values {
  /** @param resolve what a reference leads to */
  constructor(private readonly resolve: (reference: string) => Json) {}

  /** What a schema allows, as far as its keywords say. */
  of(schema: Json, depth = 0): fc.Arbitrary<unknown> {
    const { $ref, anyOf, oneOf, enum: words, const: only, type } = schema;
    if (typeof $ref === 'string') return this.of(this.resolve($ref), depth);
    if (words !== undefined) return fc.constantFrom(...(words as unknown[]));
    if (only !== undefined) return fc.constant(only);
    if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one) => this.of(one as Json, depth)));
    if (Array.isArray(oneOf) && schema['properties'] !== undefined) {
      return fc.oneof(...oneOf.map((one) => this.#object(schema, one as Json, oneOf as Json[], depth)));
    }
    if (Array.isArray(type)) return fc.oneof(...type.map((one: unknown) => this.of({ ...schema, type: one }, depth)));
    switch (type) {
      case 'string':
        return text(schema);
      case 'integer':
        return integer(schema);
      case 'number':
        return fc.double({ noNaN: true, min: least(schema), max: (schema['maximum'] as number | undefined) ?? 1e9 });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array':
        return this.#array(schema, depth);
      case 'object':
        return this.#object(schema, {}, [], depth);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  #array({ items = {}, minItems = 0, maxItems = 4 }: Json, depth: number): fc.Arbitrary<unknown> {
    const most = depth > DEPTH_MAX ? Math.max(1, minItems as number) : Math.min(4, maxItems as number);
    return fc.array(this.of(items as Json, depth + 1), { minLength: minItems as number, maxLength: most });
  }

  /** @param branch the one of `others` that holds: what it needs is there, and what only the others need is not */
  #object(schema: Json, branch: Json, others: Json[], depth: number): fc.Arbitrary<unknown> {
    const properties = { ...(schema['properties'] as Json | undefined), ...(branch['properties'] as Json | undefined) };
    const wanted = [schema, branch].flatMap(({ required = [] }) => required as string[]);
    const unwanted = others.filter((one) => one !== branch).flatMap(({ required = [] }) => required as string[]);
    const names = Object.keys(properties).filter((name) => wanted.includes(name) || !unwanted.includes(name));
    const shown = depth > DEPTH_MAX ? names.filter((name) => wanted.includes(name)) : names;
    const model = Object.fromEntries(shown.map((name) => [name, this.of(properties[name] as Json, depth + 1)]));
    const optional = shown.filter((name) => !wanted.includes(name));
    const named = fc
      .tuple(fc.record(model), fc.subarray(optional, { maxLength: Math.min(OPTIONAL_MAX, optional.length) }))
      .map(([all, some]) => Object.fromEntries([...wanted, ...some].map((name) => [name, all[name]])));
    const rest = schema['additionalProperties'];
    if (rest === undefined || rest === false || depth > DEPTH_MAX) return named;
    const more = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), this.of(rest as Json, depth + 1), {
      maxKeys: 3,
    });
    return fc.tuple(more, named).map(([one, other]) => ({ ...one, ...(other as object) }));
  }
}

function text({ pattern, format, contentEncoding, minLength = 0, maxLength = 40 }: Json): fc.Arbitrary<unknown> {
  if (format === 'date-time') return fc.date({ noInvalidDate: true, ...years }).map((date) => date.toISOString());
  if (format === 'uuid') return fc.uuid();
  if (contentEncoding === 'base64')
    return fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('base64'));
  const most = Math.min(maxLength as number, 40);
  if (typeof pattern === 'string') {
    return fc
      .stringMatching(new RegExp(pattern, 'u'), { maxLength: most })
      .filter((one) => one.length >= (minLength as number));
  }
  return fc.string({ minLength: minLength as number, maxLength: most, unit: 'grapheme' });
}
const years = { min: new Date('1970-01-01T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z') };

function integer({ minimum = EVEN.minimum, maximum = EVEN.maximum }: Json): fc.Arbitrary<number> {
  const [min, max] = [minimum as number, Math.min(maximum as number, EVEN.maximum)];
  return fc.oneof(
    fc.integer({ min, max: Math.min(max, min + 20) }),
    fc.maxSafeInteger().filter((n) => n >= min && n <= max),
  );
}

function least({ minimum, exclusiveMinimum }: Json): number {
  return (minimum ?? (exclusiveMinimum === undefined ? 0 : (exclusiveMinimum as number) + 0.001)) as number;
}

/** What is likely to surprise: odd text, huge numbers, names that objects inherit, much of everything. */
export const surprises: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, '', 0, -1, 1.5, 1e308, -1e308, 2 ** 53, [], {}, [[]], [{}]],
    ...[
      '\u0000',
      '\ud800',
      '\ufffe',
      'é\u0301',
      '\u202e',
      '${HOME}',
      '../..',
      "' OR 1=1",
      '<script>',
      'a'.repeat(70_000),
    ],
    ...[{ constructor: 1 }, { toString: 'x' }, { length: 1 }, { then: 'x' }, { '': '' }],
    ...[inherited({ qos: 0 }), inherited(null), { constructor: { prototype: { qos: 0 } } }],
  ),
  fc.jsonValue({ maxDepth: 3, noUnicodeString: false }),
  fc.string({ unit: 'binary' }),
);

/** With `__proto__` among its members: not what the object inherits from, but what a careless reader would make of it. */
function inherited(value: unknown, others: object = {}): object {
  return { ...others, ['__proto__']: value };
}

/** A valid value with something in it that is not: a member in place of another, one more, one less. */
export function spoilt(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(valid, surprises, fc.nat(), fc.constantFrom('replace', 'add', 'inherit', 'remove', 'all'))
    .map(([value, other, at, how]) => {
      if (how === 'all' || typeof value !== 'object' || value === null) return other;
      if (Array.isArray(value))
        return how === 'remove' ? [] : value.map((one, i) => (i === at % value.length ? other : (one as unknown)));
      const names = Object.keys(value);
      const name = names[at % Math.max(1, names.length)] ?? 'x';
      if (how === 'inherit') return inherited(other, value);
      if (how === 'add') return { ...value, [`x${at}`]: other };
      const rest = Object.fromEntries(Object.entries(value as Json).filter(([one]) => one !== name));
      return how === 'remove' ? rest : { ...rest, [name]: other };
    });
}

/** Bodies that are no JSON, or JSON that nobody would write. */
export const texts: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      ...['', ' ', '{', '[', '"', 'nul', '1e999', '-0', '{"a":1,"a":2}', '{"__proto__":{"x":1}}', '\ufeff{}', 'NaN'],
      ...[`{"topic":"a","payload":${'9'.repeat(400)}}`, `{"topic":"a","payload":1e${'9'.repeat(30)}}`],
      ...[
        `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
        `{"topic":"a","payload":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
      ],
      ...['{"topic":"a","payload":"\\ud800"}', '{"topic":"\\u0000","payload":1}', `"${'x'.repeat(300_000)}"`],
    )
    .map((one) => Buffer.from(one)),
);
