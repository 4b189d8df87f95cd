import 'reflect-metadata';
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { plainToInstance } from 'class-transformer';
import type { ClassConstructor } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { ValidationError } from 'class-validator';
import { asyncRule, hasRules } from './class-metadata.js';
import { FileMemory } from '../file-memory.js';
import { ContractFlaw, PROBLEMS_MAX, pointerTo } from '../problem.js';
import { expectedOf } from './class-expected.js';
import type { Fault, Rules } from './rules.js';

/** Keys of one object. class-transformer looks through all keys once per key, so that 100 000 would take seconds. */
export const KEYS_MAX = 10_000;

/** Must be the gateway's own copies: a second class-transformer would not know the class's types. */
const SHARED_PACKAGES = ['class-validator', 'class-transformer', 'reflect-metadata'];
// Resolved here, because resolving within the hook would call the hook.
const sharedUrls = new Map(
  SHARED_PACKAGES.map((name) => [name, pathToFileURL(createRequire(import.meta.url).resolve(name)).href]),
);

/**
 * Loads a class-validator class from a JavaScript module (ESM or CommonJS). Its own imports of
 * class-validator and class-transformer resolve to the gateway's, wherever the module lies. A module is
 * loaded once per thread: a changed file takes a new thread. What is loaded later, by `require` within a check, is
 * read when it is needed. Rules are synchronous; one that is
 * declared asynchronous is refused here, and a promise returned by any other counts as truthy.
 * @throws Error that says what is wrong with the module
 */
export async function loadClass(file: string, name: string, memory = new FileMemory()): Promise<Rules> {
  if (/\.[cm]?tsx?$/.test(file)) {
    throw new ContractFlaw(
      `${file} is TypeScript; compile it (tsc, experimentalDecorators) and name the JavaScript it becomes`,
    );
  }
  const found = exportOf(await importModule(file, memory), name);
  if (typeof found !== 'function') throw new Error(`${file} exports no class ${JSON.stringify(name)}`);
  const type = found as ClassConstructor<object>;
  if (!hasRules(type)) throw new Error(`class ${name} has no class-validator rules, so every payload would fail`);
  const awaited = asyncRule(type);
  if (awaited) throw new Error(`${awaited} has an asynchronous rule; contracts are checked synchronously`);
  return { reason: 'class', check: (value) => checkClass(type, value) };
}

async function importModule(file: string, memory: FileMemory): Promise<unknown> {
  memory.looked.add(file);
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const shared = sharedUrls.get(specifier);
      if (shared !== undefined) return { url: shared, shortCircuit: true };
      const resolved = memory.ask('resolve', `${specifier} from ${context.parentURL}`, () => {
        const { url, format } = next(specifier, context);
        return { url, format };
      });
      return { ...resolved, shortCircuit: true };
    },
    load: (url, context, next) => {
      if (!url.startsWith('file:')) return next(url, context);
      const loaded = memory.ask('module', url, () => {
        const { format, source } = next(url, context);
        return { format, source: source instanceof Uint8Array ? Uint8Array.from(source) : source };
      });
      return { ...loaded, shortCircuit: true };
    },
  });
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    hooks.deregister();
  }
}

function exportOf(module: unknown, name: string): unknown {
  const exports = module as { [name: string]: unknown };
  if (Object.hasOwn(exports, name)) return exports[name];
  // CommonJS whose exports cannot be told from its text has them all under `default`.
  const inner = exports['default'];
  return typeof inner === 'object' && inner !== null ? (inner as typeof exports)[name] : undefined;
}

function checkClass(type: ClassConstructor<object>, value: unknown): Fault[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ pointer: '', rule: 'isObject', message: 'the payload must be an object', expected: 'object' }];
  }
  const unfit = unfitKeys(value, '');
  if (unfit) return [unfit];
  const instance = plainToInstance(type, value, { enableImplicitConversion: false });
  const errors = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: true, value: false },
  });
  const faults: Fault[] = [];
  collectFaults(errors, '', faults);
  return faults;
}

/**
 * class-transformer drops keys named like a member of every object (`__proto__`, `constructor`,
 * `toString`), or trips over them. Dropped, they would pass `forbidNonWhitelisted` although subscribers
 * get the original bytes; so they fail here. The depth is bounded by the decoder.
 */
function unfitKeys(value: object, pointer: string): Fault | undefined {
  const keys = Object.keys(value);
  if (!Array.isArray(value)) {
    if (keys.length > KEYS_MAX) {
      const expected = `at most ${KEYS_MAX} properties`;
      return { pointer, rule: 'maxProperties', message: `more than ${KEYS_MAX} properties`, expected };
    }
    for (const key of keys) {
      if (Object.hasOwn(Object.prototype, key)) {
        const message = `property ${key} should not exist`;
        const rule = 'whitelistValidation';
        return { pointer: pointerTo(pointer, key), rule, message, expected: 'nothing here' };
      }
    }
  }
  for (const key of keys) {
    const inner = (value as { [key: string]: unknown })[key];
    if (typeof inner !== 'object' || inner === null) continue;
    const found = unfitKeys(inner, pointerTo(pointer, key));
    if (found) return found;
  }
  return undefined;
}

function collectFaults(errors: ValidationError[], parent: string, into: Fault[]): void {
  for (const error of errors) {
    // The whole object was refused (forbidUnknownValues): there is no property to name.
    const named = (error as { property?: string }).property;
    const pointer = named === undefined ? parent : pointerTo(parent, named);
    for (const [rule, message] of Object.entries(error.constraints ?? {})) {
      if (into.length >= PROBLEMS_MAX) return;
      into.push({ pointer, rule, message: String(message), expected: expectedOf(rule, named, error.target) });
    }
    collectFaults(error.children ?? [], pointer, into);
  }
}
