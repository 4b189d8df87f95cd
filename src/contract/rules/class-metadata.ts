import { createRequire } from 'node:module';
import { types } from 'node:util';
import type { TypeMetadata } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';

type Class = abstract new (...args: never[]) => unknown;

/** The part of class-transformer's own storage that is read here; the package does not export it. */
interface TransformerStorage {
  findTypeMetadata(target: Class, property: string): TypeMetadata | undefined;
}
const transformer = (
  createRequire(import.meta.url)('class-transformer/cjs/storage.js') as { defaultMetadataStorage: TransformerStorage }
).defaultMetadataStorage;

export function hasRules(type: Class): boolean {
  return rulesOf(type).length > 0;
}

/**
 * The first rule of the class, or of one nested in it, that is declared asynchronous, as
 * `Class.property`. class-validator skips such a rule in a synchronous check, which would let every
 * payload pass it.
 */
export function asyncRule(type: Class, seen = new Set<Class>()): string | undefined {
  if (seen.has(type)) return undefined;
  seen.add(type);
  for (const rule of rulesOf(type)) {
    const constraints = rule.constraintCls
      ? getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls)
      : [];
    if (constraints.some((constraint) => constraint.async || isAsyncClass(constraint.target))) {
      return `${type.name}.${rule.propertyName}`;
    }
    for (const nested of typesOf(type, rule.propertyName)) {
      const found = asyncRule(nested, seen);
      if (found) return found;
    }
  }
  return undefined;
}

function rulesOf(type: Class): ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']> {
  return getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
}

function isAsyncClass(target: unknown): boolean {
  return typeof target === 'function' && types.isAsyncFunction((target.prototype as { validate?: unknown }).validate);
}

/** The classes `@Type` names for a property. */
function typesOf(type: Class, property: string): Class[] {
  const metadata = transformer.findTypeMetadata(type, property);
  if (!metadata) return [];
  const subTypes = metadata.options?.discriminator?.subTypes ?? [];
  const named: unknown[] = subTypes.map((subType) => subType.value);
  try {
    named.push(metadata.typeFunction?.());
  } catch {
    // It wants a payload to choose by; which classes it can choose is not knowable here.
  }
  return named.filter((value): value is Class => typeof value === 'function');
}

/** What a rule's decorator was given, such as the 100 of `@Max(100)`. */
export function constraintsOf(type: unknown, property: string, rule: string): unknown[] | undefined {
  if (typeof type !== 'function') return undefined;
  const found = rulesOf(type as Class).find(({ propertyName, name }) => propertyName === property && name === rule);
  return found?.constraints as unknown[] | undefined;
}
