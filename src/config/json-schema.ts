import { fieldsOf } from './field.js';
import { GatewayConfig } from './gateway.config.js';
import type { ConfigClass, ScalarShape, Shape } from './shape.js';
import { SubscriberConfig } from './subscriber.config.js';

type JsonSchema = { [keyword: string]: unknown };

/** Any value may be a reference, or hold one. */
const REFERENCE: JsonSchema = { type: 'string', pattern: '\\$\\{' };

/** JSON Schema (draft 2020-12) of the configuration file, for editors; made from the same classes that check it. */
export function configSchema(): object {
  const writer = new SchemaWriter('#/$defs/', true);
  const schema = writer.ofClass(GatewayConfig);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Holdfast configuration',
    ...schema,
    $defs: writer.definitions,
  };
}

/**
 * JSON Schema of a subscriber that is registered over REST: its `id` is in the address, and it refers to nothing.
 * @param place where schemas with a name of their own are, such as `#/components/schemas/`
 */
export function subscriberSchemas(place: string): { [name: string]: object } {
  const writer = new SchemaWriter(place, false);
  const { required, ...schema } = writer.ofClass(SubscriberConfig) as { required: string[] };
  const description = 'The keys of a subscriber of the configuration file; what each means is in docs/subscribers.md.';
  const body = { description, ...schema, required: required.filter((key) => key !== 'id') };
  return { SubscriberBody: body, ...(writer.definitions as { [name: string]: object }) };
}

class SchemaWriter {
  /** Of the classes that hold themselves. */
  readonly definitions: JsonSchema = {};
  readonly #open = new Set<ConfigClass>();
  readonly #recursive = new Set<ConfigClass>();

  /** @param place of the definitions @param refers whether values may be references, and name files */
  constructor(
    private readonly place: string,
    private readonly refers: boolean,
  ) {}

  ofClass(type: ConfigClass): JsonSchema {
    const reference = { $ref: `${this.place}${type.name}` };
    if (this.#open.has(type)) {
      this.#recursive.add(type);
      return reference;
    }
    this.#open.add(type);
    const schema = this.#ofFields(type);
    this.#open.delete(type);
    if (!this.#recursive.has(type)) return schema;
    this.definitions[type.name] = schema;
    return reference;
  }

  #ofFields(type: ConfigClass): JsonSchema {
    const defaults = new type() as { [key: string]: unknown };
    const properties: JsonSchema = {};
    const required: string[] = [];
    for (const [key, { shape, example }] of fieldsOf(type)) {
      if (!this.refers && /File$/.test(key)) continue;
      const standard = defaults[key];
      const shown = shape.kind === 'scalar' && standard !== undefined ? { default: standard } : {};
      properties[key] = { ...this.#of(shape), ...shown };
      if (example !== undefined) required.push(key);
    }
    return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false };
  }

  #of(shape: Shape): JsonSchema {
    switch (shape.kind) {
      case 'scalar':
        return this.#ofScalar(shape);
      case 'object':
        return this.ofClass(shape.type);
      case 'list':
        return { type: 'array', items: this.#of(shape.of), minItems: shape.min, maxItems: shape.max };
      case 'map':
        return { type: 'object', additionalProperties: this.#of(shape.of), maxProperties: shape.max };
      case 'either':
        return { oneOf: [{ const: shape.word }, this.#of(shape.object)] };
    }
  }

  #ofScalar(shape: ScalarShape): JsonSchema {
    if (!this.refers) return withoutReference(shape.schema);
    return shape.reads === 'text' ? { ...shape.schema } : { anyOf: [{ ...shape.schema }, REFERENCE] };
  }
}

/** Patterns of texts have it as their last alternative. */
function withoutReference({ pattern, ...schema }: JsonSchema): JsonSchema {
  if (typeof pattern !== 'string') return schema;
  const last = `|${String(REFERENCE['pattern'])}`;
  return { ...schema, pattern: pattern.endsWith(last) ? pattern.slice(0, -last.length) : pattern };
}
