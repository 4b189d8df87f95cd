import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Node, Pair, Scalar } from 'yaml';
import { fieldsOf } from './field.js';
import type { Path, Report } from './problem.js';
import { substitute, type Surroundings } from './reference.js';
import type { EitherShape, ListShape, MapShape, ObjectShape, ScalarShape, Shape } from './shape.js';
import { SYNTAX, type Source } from './source.js';
import { suggestion } from './suggestion.js';

const TOO_MANY = ['aliases (*) repeat too much of it', 'Write out what is meant, or remove some.'] as const;

type Plain = { [key: string]: unknown };

/** The deepest key there is, in a content filter, has 20 steps; aliases could make it any number. */
const DEPTH_MAX = 24;
/** Aliases of aliases could make a short file long: so many values more than it has characters. */
const VALUES_MORE_MAX = 20_000;

/**
 * Turns the YAML tree into plain data of the wanted shape and remembers where each part stands. Only
 * known keys pass; references are replaced in values alone, after YAML was parsed, so what they yield can never
 * add keys or items. What does not fit is a problem and is left out (`undefined`, so that indexes stay true).
 */
export class Reader {
  readonly #source: Source;
  readonly #report: Report;
  readonly #surroundings: Surroundings;
  #valuesLeft: number;

  constructor(source: Source, report: Report, surroundings: Surroundings) {
    this.#source = source;
    this.#report = report;
    this.#surroundings = surroundings;
    this.#valuesLeft = (source.document.range?.[2] ?? 0) + VALUES_MORE_MAX;
  }

  /** The whole document as `shape`. */
  document(shape: ObjectShape): Plain {
    return this.#object(this.#resolve(this.#source.document.contents, []), shape, []) ?? {};
  }

  #read(written: unknown, shape: Shape, path: Path): unknown {
    if (path.length > DEPTH_MAX) return this.#refuse(path, ...SYNTAX.RESOURCE_EXHAUSTION);
    if (--this.#valuesLeft < 0) return this.#valuesLeft === -1 ? this.#refuse([], ...TOO_MANY) : undefined;
    const node = this.#resolve(written, path);
    this.#place(path, node);
    if (node === null || (isScalar(node) && node.value === null)) return undefined;
    switch (shape.kind) {
      case 'scalar':
        return this.#scalar(node, shape, path);
      case 'object':
        return this.#object(node, shape, path);
      case 'list':
        return this.#list(node, shape, path);
      case 'map':
        return this.#map(node, shape, path);
      case 'either':
        return this.#either(node, shape, path);
    }
  }

  #object(node: unknown, shape: ObjectShape, path: Path): Plain | undefined {
    if (node === null || (isScalar(node) && node.value === null)) return {};
    if (!isMap(node)) return this.#refuse(path, 'must be a mapping', 'Write it as lines of "key: value".');
    const known = fieldsOf(shape.type);
    const plain: Plain = {};
    for (const pair of node.items) {
      const key = this.#key(pair, path);
      if (key === undefined) continue;
      const child = [...path, key];
      const field = known.get(key);
      if (field) plain[key] = this.#read(pair.value, field.shape, child);
      else this.#unknownKey(child, key, [...known.keys()]);
    }
    return plain;
  }

  #unknownKey(path: Path, key: string, known: string[]): void {
    const meant = suggestion(key, known);
    const mend = meant === undefined ? `Known keys here: ${known.join(', ')}.` : `Did you mean "${meant}"?`;
    this.#refuse(path, 'unknown key', mend);
  }

  #list(node: unknown, shape: ListShape, path: Path): unknown[] | undefined {
    if (!isSeq(node)) return this.#refuse(path, 'must be a list', 'Write it as a list: [one, two].');
    if (node.items.length > shape.max) return this.#refuse(path, `may have at most ${shape.max}`, 'Remove some.');
    return node.items.map((item, index) => {
      const child = [...path, index];
      const value = this.#read(item, shape.of, child);
      if (value === undefined) this.#refuse(child, 'must not be empty', 'Write a value, or remove the item.');
      return value;
    });
  }

  #map(node: unknown, shape: MapShape, path: Path): Map<string, unknown> | undefined {
    if (!isMap(node)) return this.#refuse(path, 'must be a mapping', 'Write it as lines of "name: value".');
    if (node.items.length > shape.max) return this.#refuse(path, `may have at most ${shape.max}`, 'Remove some.');
    const found = new Map<string, unknown>();
    for (const pair of node.items) {
      const name = this.#key(pair, path);
      if (name === undefined) continue;
      const child = [...path, name];
      const flaw = shape.checkName(name);
      if (flaw) {
        this.#refuse(child, flaw.message, flaw.mend);
        continue;
      }
      // An empty contract is one with nothing but defaults; an empty header value is an empty text.
      found.set(name, this.#read(pair.value, shape.of, child) ?? (shape.of.kind === 'object' ? {} : ''));
    }
    return found;
  }

  #either(node: unknown, shape: EitherShape, path: Path): unknown {
    if (isMap(node)) return this.#object(node, shape.object, path);
    const word = isScalar(node) && typeof node.value === 'string' ? this.#substituted(node, path)?.text : undefined;
    if (word === shape.word) return word;
    return this.#refuse(path, `must be a mapping or "${shape.word}"`, 'See config/gateway.example.yaml.');
  }

  #scalar(node: unknown, shape: ScalarShape, path: Path): unknown {
    if (!isScalar(node)) return this.#refuse(path, 'must be a single value', 'Write one value, not a list or mapping.');
    return typeof node.value === 'string' ? this.#text(node, shape, path) : written(node, shape);
  }

  /** A value that is exactly one reference, quoted or not, may be a number or a flag where one is wanted. */
  #text(node: Scalar, shape: ScalarShape, path: Path): unknown {
    const substituted = this.#substituted(node, path);
    if (!substituted) return undefined;
    const { text, single } = substituted;
    if (single && shape.reads === 'number' && /^-?(0|[1-9]\d{0,15})$/.test(text)) return Number(text);
    if (single && shape.reads === 'flag' && (text === 'true' || text === 'false')) return text === 'true';
    return text;
  }

  #substituted(node: Scalar, path: Path): { text: string; single: boolean } | undefined {
    const result = substitute(node.value as string, this.#surroundings);
    for (const flaw of result.flaws) this.#report.problem(path, flaw.message, flaw.mend);
    return result.flaws.length === 0 ? result : undefined;
  }

  /** The key's text; its place is remembered for what has no value of its own. */
  #key(pair: Pair, path: Path): string | undefined {
    const { key } = pair;
    if (isScalar(key) && key.value !== null) {
      const text = typeof key.value === 'string' ? key.value : (key.source ?? '');
      this.#place([...path, text], key);
      return text;
    }
    this.#refuse(path, 'has a key that is not plain text', 'Write every key as one word.');
    return undefined;
  }

  #resolve(node: unknown, path: Path): unknown {
    if (!isAlias(node)) return node ?? null;
    const found = node.resolve(this.#source.document);
    if (found) return found;
    this.#place(path, node);
    return this.#refuse(path, ...SYNTAX.BAD_ALIAS) ?? null;
  }

  /** A value that is missing stands where its key does. */
  #place(path: Path, node: unknown): void {
    const offset = (node as Node | null)?.range?.[0];
    const empty = isScalar(node) && node.value === null && node.source === '';
    if (offset !== undefined && !empty) this.#report.place(path, this.#source.positionAt(offset));
  }

  #refuse(path: Path, message: string, mend: string): undefined {
    this.#report.problem(path, message, mend);
    return undefined;
  }
}

/** A scalar that YAML did not read as text. */
function written(node: Scalar, shape: ScalarShape): unknown {
  return shape.reads === 'source' && typeof node.value === 'number' ? (node.source ?? String(node.value)) : node.value;
}
