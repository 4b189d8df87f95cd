/** What one place in the file may hold: how it is read, how it is checked, and how JSON Schema says it. */
import type { Flaw } from './problem.js';

export type ConfigClass = new () => object;

export interface ScalarShape {
  kind: 'scalar';
  /**
   * What the YAML scalar becomes. `source` keeps an unquoted number as it is written, so that `protocol: 5`
   * and `startFrom: 17` are words like any other.
   */
  reads: 'text' | 'source' | 'number' | 'flag';
  check(value: unknown): { message: string; mend: string } | undefined;
  schema: { readonly [keyword: string]: unknown };
}

export interface ObjectShape {
  kind: 'object';
  type: ConfigClass;
}

export interface ListShape {
  kind: 'list';
  of: ScalarShape | ObjectShape;
  min: number;
  max: number;
}

/** A mapping whose keys the user chooses. It is read as a `Map`, so that no key can mean anything to JavaScript. */
export interface MapShape {
  kind: 'map';
  of: ScalarShape | ObjectShape;
  max: number;
  /** What is wrong with a key. */
  checkName(name: string): { message: string; mend: string } | undefined;
}

/** One word, or a mapping. */
export interface EitherShape {
  kind: 'either';
  word: string;
  object: ObjectShape;
}

export type Shape = ScalarShape | ObjectShape | ListShape | MapShape | EitherShape;

export function object(type: ConfigClass): ObjectShape {
  return { kind: 'object', type };
}

/** A list with `min` (default 0) to `max` items. */
export function list(of: ListShape['of'], { min = 0, max }: { min?: number; max: number }): ListShape {
  return { kind: 'list', of, min, max };
}

export function map(of: MapShape['of'], max: number, checkName: MapShape['checkName']): MapShape {
  return { kind: 'map', of, max, checkName };
}

export function either(word: string, type: ConfigClass): EitherShape {
  return { kind: 'either', word, object: object(type) };
}

/** Everything wrong with a value that is not the business of a class inside it. */
export function flawsOf(shape: Shape, value: unknown): Flaw[] {
  switch (shape.kind) {
    case 'scalar': {
      const flaw = shape.check(value);
      return flaw ? [{ at: [], ...flaw }] : [];
    }
    case 'list': {
      if (!Array.isArray(value)) return [flawHere('must be a list', 'Write it as a list: [one, two].')];
      if (value.length < shape.min) return [flawHere(`needs at least ${shape.min}`, 'Add one, or remove the key.')];
      if (value.length > shape.max) return [flawHere(`may have at most ${shape.max}`, 'Remove some.')];
      return itemFlaws(shape.of, [...value.entries()]);
    }
    case 'map':
      if (!(value instanceof Map)) return [flawHere('must be a mapping', 'Write it as lines of "name: value".')];
      if (value.size > shape.max) return [flawHere(`may have at most ${shape.max}`, 'Remove some.')];
      return itemFlaws(shape.of, [...(value as Map<string, unknown>)]);
    case 'either':
      if (value === shape.word || value instanceof shape.object.type) return [];
      return [flawHere(`must be a mapping or "${shape.word}"`, 'See config/gateway.example.yaml.')];
    case 'object':
      return [];
  }
}

function itemFlaws(of: ScalarShape | ObjectShape, items: [number | string, unknown][]): Flaw[] {
  return items.flatMap(([step, item]) => flawsOf(of, item).map((flaw) => ({ ...flaw, at: [step, ...flaw.at] })));
}

function flawHere(message: string, mend: string): Flaw {
  return { at: [], message, mend };
}
