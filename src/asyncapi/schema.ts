import { isDeepStrictEqual } from 'node:util';
import { DIALECTS, type Draft } from './dialect.js';
import { isObject, own, textOf, type JsonObject } from './json.js';
import { EVERY_TYPE, holdsOf, isAnnotation, isKnownFormat, isSilent, typeOf } from './keywords.js';
import type { Node, References } from './references.js';
import { modernised } from './schema-dialects.js';
import type { Warnings } from './warnings.js';

const DEPTH_MAX = 64;
const PARTS_MAX = 20_000;
/** They look at the same value as the schema around them. */
const IN_PLACE = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependencies', 'dependentSchemas']);

interface Scope {
  /** The types the value can have here, as the schemas around say; empty: nothing is said. */
  types: readonly string[];
  /** Under `not` or `if`, where demanding more lets more through. */
  negative: boolean;
  depth: number;
}

const OUTSIDE: Scope = { types: [], negative: false, depth: 0 };

export interface BundleOptions {
  draft: Draft;
  /** Where the schema will stand: what its references begin with. Default `#`, the root of a file of its own. */
  at?: string;
}

/**
 * A schema of the document as one that stands alone: what it refers to is brought along, what only AsyncAPI knows is
 * left out, and what ajv refuses in its strict mode is written so that it means the same. What changes its meaning is
 * a warning. Never throws.
 */
export function bundleSchema(
  root: Node,
  references: References,
  warnings: Warnings,
  { draft, at = '#' }: BundleOptions,
): JsonObject | boolean {
  return new Bundle(root, references, warnings, draft, at).build();
}

class Bundle {
  readonly #names = new Map<string, string>();
  readonly #queue: [name: string, node: Node][] = [];
  #parts = 0;

  constructor(
    private readonly root: Node,
    private readonly references: References,
    private readonly warnings: Warnings,
    private readonly draft: Draft,
    private readonly at: string,
  ) {}

  get #definitions(): string {
    return this.draft === 'draft-07' ? 'definitions' : '$defs';
  }

  build(): JsonObject | boolean {
    const schema = this.#convert(this.root, OUTSIDE);
    const definitions: [string, unknown][] = [];
    // Converting one finds more.
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      definitions.push([next[0], this.#convert(next[1], OUTSIDE)]);
    }
    if (typeof schema === 'boolean') return schema;
    const bundled = definitions.length > 0 ? { [this.#definitions]: Object.fromEntries(definitions) } : {};
    return { $schema: DIALECTS[this.draft], ...schema, ...bundled };
  }

  #convert(node: Node, scope: Scope): JsonObject | boolean {
    if (typeof node.value === 'boolean') return node.value;
    if (!isObject(node.value)) return this.#anything(node, 'is not a schema; anything is accepted here');
    if (scope.depth > DEPTH_MAX || this.#parts++ > PARTS_MAX) {
      return this.#anything(node, 'is too deep or too large; anything is accepted here');
    }
    if (typeof own(node.value, '$ref') !== 'string') return this.#keywords(node, modernised(node.value), scope);
    const ref = this.#reference(node);
    const beside = Object.keys(node.value).filter((key) => key !== '$ref' && !isSilent(key));
    if (beside.length === 0 || ref === undefined) return ref === undefined ? true : { $ref: ref };
    if (this.draft !== 'draft-07') {
      const rest = Object.fromEntries(Object.entries(node.value).filter(([key]) => key !== '$ref'));
      const converted = this.#keywords(node, modernised(rest), scope);
      return { $ref: ref, ...converted };
    }
    const { value } = this.references.follow(node);
    const { value: siblings } = node;
    const lost = beside.filter((key) => !isAnnotation(key) && !isDeepStrictEqual(own(siblings, key), own(value, key)));
    if (lost.length > 0) this.warnings.add(node, `beside $ref, ${lost.join(', ')} has no effect in draft-07; left out`);
    return { $ref: ref };
  }

  #anything(node: Node, message: string): true {
    this.warnings.add(node, message);
    return true;
  }

  /** Where the schema that `$ref` names will be found. */
  #reference(node: Node): string | undefined {
    const first = this.references.resolve(node, String(own(node.value, '$ref')), this.root);
    let target = first && this.references.follow(first);
    // A Multi Format Schema of AsyncAPI 3 around it.
    if (target && own(target.value, 'schemaFormat') !== undefined && isObject(target.value)) {
      target = this.references.at(target, 'schema');
    }
    if (target?.value === undefined) return undefined;
    if (target.place === this.root.place) return this.at;
    let name = this.#names.get(target.place);
    if (name === undefined) {
      const wanted = (target.pointer.split('/').at(-1) ?? '').replace(/[^\w.-]+/g, '-') || 'schema';
      const taken = new Set(this.#names.values());
      name = wanted;
      for (let i = 2; taken.has(name) || name in {}; i++) name = `${wanted}-${i}`;
      this.#names.set(target.place, name);
      this.#queue.push([name, target]);
    }
    return `${this.at}/${this.#definitions}/${name}`;
  }

  #keywords(node: Node, schema: JsonObject, scope: Scope): JsonObject {
    const kept = this.#known(node, schema);
    const types = this.#types(node, schema, kept, scope);
    const entries: [string, unknown][] = [];
    if (types.write) entries.push(['type', types.write.length === 1 ? types.write[0] : types.write]);
    for (const keyword of kept) {
      const family = typeOf(keyword, schema[keyword]);
      if (family !== undefined && !allows(types.of, family)) {
        this.warnings.add(node, `${keyword} says nothing about ${types.of.join(', ')}; left out`);
        continue;
      }
      const below: Scope = {
        types: IN_PLACE.has(keyword) ? types.of : [],
        negative: scope.negative || keyword === 'not' || keyword === 'if',
        depth: scope.depth + 1,
      };
      const value = this.#held(keyword, this.references.child({ ...node, value: schema }, keyword), below);
      if (value !== undefined) entries.push([keyword, value]);
    }
    return Object.fromEntries(entries);
  }

  /** The keywords that are taken over. */
  #known(node: Node, schema: JsonObject): string[] {
    const has = (keyword: string): boolean => Object.hasOwn(schema, keyword);
    return Object.keys(schema).filter((keyword) => {
      if (isSilent(keyword)) return false;
      if (keyword === 'discriminator') {
        this.warnings.add(node, 'discriminator is left out: oneOf and anyOf are checked without its help');
        return false;
      }
      if (!holdsOf(keyword, this.draft)) {
        this.warnings.add(node, `${keyword} is no keyword of ${this.draft}; left out`);
        return false;
      }
      if (keyword === 'format' && !isKnownFormat(schema[keyword])) {
        this.warnings.add(node, `the format ${textOf(schema[keyword]) ?? 'here'} is not known; it is not checked`);
        return false;
      }
      // Without the other one they have no effect, and ajv refuses them.
      if (keyword === 'if') return has('then') || has('else');
      if (keyword === 'then' || keyword === 'else') return has('if');
      if (keyword === 'additionalItems') return Array.isArray(schema['items']);
      if (keyword === 'minContains' || keyword === 'maxContains') return has('contains');
      return true;
    });
  }

  /** ajv wants to be told the type wherever a keyword is for one type only. */
  #types(
    node: Node,
    schema: JsonObject,
    kept: string[],
    scope: Scope,
  ): { of: readonly string[]; write?: readonly string[] } {
    const { type } = schema;
    const said = typeof type === 'string' ? [type] : Array.isArray(type) ? type.filter(isText) : undefined;
    if (said) return { of: said };
    if (scope.types.length > 0) return { of: scope.types };
    const families = kept.map((keyword) => typeOf(keyword, schema[keyword]));
    const implied = [...new Set(families.filter((family) => family !== undefined))];
    if (implied.length === 0) return { of: [] };
    if (scope.negative) return { of: EVERY_TYPE, write: EVERY_TYPE };
    this.warnings.add(node, `has no type; read as type: ${implied.join(', ')}`);
    return { of: implied, write: implied };
  }

  #held(keyword: string, node: Node, below: Scope): unknown {
    const holds = holdsOf(keyword, this.draft)!;
    const { value } = node;
    if (holds.list && Array.isArray(value)) {
      return this.references.children(node).map(([, item]) => this.#convert(item, below));
    }
    if (holds.map && isObject(value)) {
      const entries = this.references.children(node).map(([key, item]): [string, unknown] => {
        return [key, keyword === 'dependencies' && Array.isArray(item.value) ? item.value : this.#convert(item, below)];
      });
      return Object.fromEntries(entries);
    }
    if (holds.schema) return this.#convert(node, below);
    if (holds.plain && this.#isPlain(value, 0)) return value;
    this.warnings.add(node, 'cannot stand here; left out');
    return undefined;
  }

  /** Anchors in YAML can lead in circles, and nothing that is too deep can be written. */
  #isPlain(value: unknown, depth: number): boolean {
    if (typeof value !== 'object' || value === null) return true;
    if (depth > DEPTH_MAX || this.#parts++ > PARTS_MAX) return false;
    return Object.values(value).every((item) => this.#isPlain(item, depth + 1));
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function allows(types: readonly string[], family: string): boolean {
  return types.includes(family) || (family === 'number' && types.includes('integer'));
}
