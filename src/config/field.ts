/** Decorators of the configuration classes: one line says how a key is read, checked and described. */
import 'reflect-metadata';
import { plainToInstance, Transform, Type } from 'class-transformer';
import { IsDefined, IsOptional, ValidateBy, ValidateIf, ValidateNested } from 'class-validator';
import { flawsOf } from './shape.js';
import type { ConfigClass, Shape } from './shape.js';

export interface Field {
  shape: Shape;
  /** Shown when the key is missing; undefined for a key that may be. */
  example?: string;
}

const fields = new Map<unknown, Map<string, Field>>();

/** The keys of a configuration class, in the order they are declared; those it inherits come first. */
export function fieldsOf(type: ConfigClass): ReadonlyMap<string, Field> {
  const parent = Object.getPrototypeOf(type) as ConfigClass | null;
  return new Map([...(parent ? fieldsOf(parent) : []), ...(fields.get(type) ?? [])]);
}

/** A key that must be there; `example` shows how its line looks. */
export function Required(shape: Shape, example: string): PropertyDecorator {
  return declare({ shape, example }, IsDefined());
}

/** A key that may be left out (or left empty): then its default holds, or it has none. */
export function Optional(shape: Shape): PropertyDecorator {
  return declare({ shape }, IsOptional());
}

function declare(field: Field, presence: PropertyDecorator): PropertyDecorator {
  return (target, key) => {
    const owner = target.constructor;
    if (!fields.has(owner)) fields.set(owner, new Map());
    fields.get(owner)!.set(key as string, field);
    presence(target, key);
    for (const decorate of validators(field.shape)) decorate(target, key);
  };
}

function validators(shape: Shape): PropertyDecorator[] {
  const own = ValidateBy({
    name: 'shape',
    validator: {
      validate: (value: unknown) => flawsOf(shape, value).length === 0,
      defaultMessage: (found) => flawsOf(shape, found?.value)[0]?.message ?? 'is not valid',
    },
  });
  if (shape.kind === 'object') return [Type(() => shape.type), ValidateNested()];
  if (shape.kind === 'either') {
    const isWord = (_: object, value: unknown): boolean => value !== shape.word;
    return [Type(() => shape.object.type), ValidateIf(isWord), ValidateNested(), own];
  }
  if (shape.kind === 'scalar') return [own];
  const item = shape.of.kind === 'object' ? shape.of.type : undefined;
  const nested = item ? [ValidateNested(), own] : [own];
  if (shape.kind === 'map') return [Transform(({ obj, key }) => entriesOf(obj, key, item)), ...nested];
  return item ? [Type(() => item), ...nested] : nested;
}

/** class-transformer makes an empty `Map` of a `Map`, so its entries are made here, from what the reader found. */
function entriesOf(plain: unknown, key: string, item: ConfigClass | undefined): unknown {
  const found = (plain as { [key: string]: unknown })[key];
  if (!(found instanceof Map) || !item) return found;
  const made = (value: unknown): unknown => plainToInstance(item, value, { exposeUnsetFields: false });
  return new Map([...(found as Map<string, unknown>)].map(([name, value]) => [name, made(value)]));
}
