/** Decorators of the configuration classes: one line says how a key is read, checked and described. */
import 'reflect-metadata';
import { Type } from 'class-transformer';
import { IsDefined, IsOptional, ValidateBy, ValidateIf, ValidateNested } from 'class-validator';
import { flawsOf } from './shape.js';
import type { ConfigClass, Shape } from './shape.js';

export interface Field {
  shape: Shape;
  /** Shown when the key is missing; undefined for a key that may be. */
  example?: string;
}

const fields = new Map<unknown, Map<string, Field>>();

/** The keys of a configuration class, in the order they are declared. */
export function fieldsOf(type: ConfigClass): ReadonlyMap<string, Field> {
  return fields.get(type) ?? new Map<string, Field>();
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
  if (shape.kind === 'scalar' || shape.of.kind === 'scalar') return [own];
  const item = shape.of.type;
  return [Type(() => item), ValidateNested(), own];
}
