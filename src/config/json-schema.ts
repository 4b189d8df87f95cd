import { fieldsOf } from './field.js';
import { GatewayConfig } from './gateway.config.js';
import type { ConfigClass, ScalarShape, Shape } from './shape.js';

type JsonSchema = { [keyword: string]: unknown };

/** Any value may be a reference, or hold one. */
const REFERENCE: JsonSchema = { type: 'string', pattern: '\\$\\{' };

/** JSON Schema (draft 2020-12) of the configuration file, for editors; made from the same classes that check it. */
export function configSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Holdfast configuration',
    ...schemaOfClass(GatewayConfig),
  };
}

function schemaOfClass(type: ConfigClass): JsonSchema {
  const defaults = new type() as { [key: string]: unknown };
  const properties: JsonSchema = {};
  const required: string[] = [];
  for (const [key, { shape, example }] of fieldsOf(type)) {
    const standard = defaults[key];
    const shown = shape.kind === 'scalar' && standard !== undefined ? { default: standard } : {};
    properties[key] = { ...schemaOf(shape), ...shown };
    if (example !== undefined) required.push(key);
  }
  return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false };
}

function schemaOf(shape: Shape): JsonSchema {
  switch (shape.kind) {
    case 'scalar':
      return schemaOfScalar(shape);
    case 'object':
      return schemaOfClass(shape.type);
    case 'list':
      return { type: 'array', items: schemaOf(shape.of), minItems: shape.min, maxItems: shape.max };
    case 'map':
      return { type: 'object', additionalProperties: schemaOf(shape.of), maxProperties: shape.max };
    case 'either':
      return { oneOf: [{ const: shape.word }, schemaOf(shape.object)] };
  }
}

function schemaOfScalar(shape: ScalarShape): JsonSchema {
  return shape.reads === 'text' ? { ...shape.schema } : { anyOf: [{ ...shape.schema }, REFERENCE] };
}
