import 'reflect-metadata';
import { getMetadataStorage } from 'class-validator';
import { Schema, saidOf, type AnySchema, type DtoClass, type Keywords } from '../domain/schema.js';

export type Json = { [keyword: string]: unknown };

const BASE64 = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$';

/** What rules of class-validator are in JSON Schema. */
const RULES: { readonly [rule: string]: (constraints: readonly unknown[]) => Keywords } = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isInt: () => ({ type: 'integer' }),
  isObject: () => ({ type: 'object' }),
  isIn: ([words]) => ({ enum: words }),
  isBase64: () => ({ type: 'string', contentEncoding: 'base64', pattern: BASE64 }),
  min: ([least]) => ({ minimum: least }),
  max: ([most]) => ({ maximum: most }),
};

/** Writes schemas out, and gathers those that have a name of their own. */
export class SchemaWriter {
  readonly components: Json = {};
  readonly #known = new Map<string, unknown>();

  of(schema: AnySchema): Json {
    const { name, keywords } = schema;
    if (name === undefined) return this.#object(keywords);
    const known = this.#known.get(name);
    if (known !== undefined && known !== keywords) throw new Error(`two schemas are called ${name}`);
    if (known === undefined) {
      this.#known.set(name, keywords);
      this.components[name] = {}; // its place, before those it refers to
      this.components[name] = this.#object(keywords);
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  /** What one field of a class may be in a query, where nothing can be null. */
  fieldOf(type: DtoClass, field: string): { schema: Json; required: boolean } {
    const { schema, required } = this.#fieldsOf(type, false).get(field)!;
    return { schema, required };
  }

  #object({ is, dto, ...keywords }: Keywords): Json {
    const rest = Object.fromEntries(Object.entries(keywords).map(([name, value]) => [name, this.#value(value)]));
    if (is !== undefined) return { ...this.of(is as AnySchema), ...rest };
    if (dto !== undefined) return this.#classWith(dto as DtoClass, rest);
    return rest;
  }

  /** @param rest may have further `properties`; one that is `false` is none */
  #classWith(type: DtoClass, { properties = {}, ...rest }: Json): Json {
    const { properties: own, ...schema } = this.#class(type);
    const all = Object.entries({ ...(own as Json), ...(properties as Json) });
    return { ...schema, properties: Object.fromEntries(all.filter(([, member]) => member !== false)), ...rest };
  }

  #value(value: unknown): unknown {
    if (value instanceof Schema) return this.of(value as AnySchema);
    if (Array.isArray(value)) return value.map((one) => this.#value(one));
    return typeof value === 'object' && value !== null ? this.#object(value as Keywords) : value;
  }

  #class(type: DtoClass): Json {
    const fields = [...this.#fieldsOf(type, true)];
    const required = fields.filter(([, field]) => field.required).map(([name]) => name);
    const properties = Object.fromEntries(fields.map(([name, { schema }]) => [name, schema]));
    return { type: 'object', properties, ...(required.length > 0 ? { required } : {}), additionalProperties: false };
  }

  /** @param nulls whether null means: left out, as class-validator has it */
  #fieldsOf(type: DtoClass, nulls: boolean): Map<string, { schema: Json; required: boolean }> {
    const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
    const names = new Set(rules.map(({ propertyName }) => propertyName));
    const [said, defaults] = [saidOf(type), new type() as { [name: string]: unknown }];
    const fieldOf = (name: string): [string, { schema: Json; required: boolean }] => {
      const own = rules.filter(({ propertyName }) => propertyName === name);
      const optional = own.some(({ type: kind }) => kind === 'conditionalValidation');
      const checks = own.filter(({ type: kind }) => kind !== 'conditionalValidation');
      const keywords = checks.map((check) => keywordsOf(check.name ?? check.type, check.constraints));
      const schema = Object.assign({}, ...keywords, this.#object(said.get(name) ?? {})) as Json;
      if (defaults[name] !== undefined) schema['default'] = defaults[name];
      return [name, { schema: optional && nulls ? orNull(schema) : schema, required: !optional }];
    };
    return new Map([...names].sort(inOrderOf([...said.keys()])).map(fieldOf));
  }
}

/** A rule that the document cannot tell must not be kept from those who read it. */
function keywordsOf(rule: string, constraints: readonly unknown[]): Keywords {
  const keywords = RULES[rule]?.(constraints);
  if (!keywords) throw new Error(`what the rule ${rule} is in JSON Schema is not known`);
  return keywords;
}

function orNull(schema: Json): Json {
  const { type, enum: words } = schema;
  if (Array.isArray(words)) return { ...schema, enum: [...(words as unknown[]), null] };
  return typeof type === 'string' ? { ...schema, type: [type, 'null'] } : schema;
}

/** Metadata comes in the order of the validators; whoever reads it wants that of the class. */
function inOrderOf(names: readonly string[]): (one: string, other: string) => number {
  return (one, other) => names.indexOf(one) - names.indexOf(other);
}
