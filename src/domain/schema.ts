/** What goes over REST looks like this: JSON Schema 2020-12, and the type the compiler knows it by, held together. */

export interface Keywords {
  readonly [keyword: string]: unknown;
}

/** A class whose fields say what a body may have. */
export type DtoClass = new () => object;

/**
 * Keywords may hold schemas and classes, which become references when they have a name. `T` is there for the compiler:
 * a description that leaves out a member of a type, or has one that is none, does not compile.
 */
export class Schema<T> {
  declare readonly of: (value: T) => T;

  /** @param name of its own in the document; absent: it is written out wherever it is used */
  constructor(
    readonly keywords: Keywords,
    readonly name?: string,
  ) {}

  /** The same with more keywords. */
  with(keywords: Keywords): Schema<T> {
    return new Schema<T>(this.name === undefined ? { ...this.keywords, ...keywords } : { is: this, ...keywords });
  }

  says(description: string): Schema<T> {
    return this.with({ description });
  }

  named(name: string): Schema<T> {
    return new Schema<T>(this.keywords, name);
  }

  /** For what the compiler cannot follow, such as a union that is written as one object. */
  as<U>(): Schema<U> {
    return this as unknown as Schema<U>;
  }
}

/** A member that may be left out. */
export class Optional<T> {
  constructor(readonly schema: Schema<T>) {}
}

/** Of whatever type. */
export type AnySchema = Pick<Schema<unknown>, 'keywords' | 'name'>;

export interface Members {
  readonly [name: string]: AnySchema | { readonly schema: AnySchema };
}

type MembersOf<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K> ? Optional<Exclude<T[K], undefined>> : Schema<T[K]>;
};

export const text = new Schema<string>({ type: 'string' });
export const instant = new Schema<string>({ type: 'string', format: 'date-time' });
export const base64 = new Schema<string>({ type: 'string', contentEncoding: 'base64' });
export const uuid = new Schema<string>({ type: 'string', format: 'uuid' });
export const number = new Schema<number>({ type: 'number' });
export const count = new Schema<number>({ type: 'integer', minimum: 0 });
export const flag = new Schema<boolean>({ type: 'boolean' });
export const anything = new Schema<unknown>({});

export function words<const W extends readonly (string | number)[]>(...all: W): Schema<W[number]> {
  return new Schema<W[number]>({ enum: all });
}

export function listOf<T>(items: Schema<T>, keywords: Keywords = {}): Schema<T[]> {
  return new Schema<T[]>({ type: 'array', items, ...keywords });
}

/** An object whose names whoever writes it chooses. */
export function mapOf<T>(values: Schema<T>): Schema<{ [name: string]: T }> {
  return new Schema<{ [name: string]: T }>({ type: 'object', additionalProperties: values });
}

export function optional<T>(schema: Schema<T>): Optional<T> {
  return new Optional(schema);
}

export function object<T extends object>(members: MembersOf<T>, keywords: Keywords = {}): Schema<T> {
  return new Schema<T>({ ...objectKeywords(members), ...keywords });
}

/** What a class says of its fields: read where the document is made, because there is what knows its validators. */
export function dto<T extends object>(type: new () => T, keywords: Keywords = {}): Schema<T> {
  return new Schema<T>({ dto: type, ...keywords }, type.name);
}

export function objectKeywords(members: Members): Keywords {
  const entries = Object.entries(members);
  const required = entries.filter(([, member]) => !(member instanceof Optional)).map(([name]) => name);
  const properties = Object.fromEntries(entries.map(([name, member]) => [name, schemaOf(member)]));
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}) };
}

export function schemaOf(member: Members[string]): AnySchema {
  return 'schema' in member ? member.schema : member;
}

const said = new WeakMap<object, Map<string, Keywords>>();

/** Says what a field of a {@link DtoClass} is for, and what its validators leave open. */
export function Says(description: string, keywords: Keywords = {}): PropertyDecorator {
  return (target, name) => {
    const fields = said.get(target.constructor) ?? new Map<string, Keywords>();
    said.set(target.constructor, fields.set(name as string, { description, ...keywords }));
  };
}

export function saidOf(type: DtoClass): ReadonlyMap<string, Keywords> {
  return said.get(type) ?? new Map<string, Keywords>();
}
