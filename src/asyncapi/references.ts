import { realpathSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { parseJsonPointer, partAt } from '../domain/json-pointer.js';
import { own } from './json.js';
import type { Source } from './source.js';
import type { Warnings } from './warnings.js';

/** A part of the document, or of a file that it refers to. */
export interface Node {
  /** Undefined: there is nothing. */
  value: unknown;
  file: SourceFile;
  /** JSON pointer from the root of the file; empty for the root. */
  pointer: string;
  /** Both, as it is shown: `#/channels/a`. Names the part: two nodes with one place are the same. */
  place: string;
}

interface SourceFile {
  /** Absolute. */
  path: string;
  /** From the document's folder; empty for the document. */
  name: string;
  root: unknown;
}

const HOPS_MAX = 64;
const FILES_MAX = 200;

/**
 * Follows `$ref` within the document and to files below its folder, links resolved. Nothing is ever fetched. What leads
 * nowhere is a warning and a node without a value.
 */
export class References {
  readonly root: Node;
  readonly #folder: string;
  readonly #files = new Map<string, SourceFile | undefined>();

  /** @param path of the document, absolute */
  constructor(
    path: string,
    root: unknown,
    private readonly load: (path: string) => Source,
    private readonly warnings: Warnings,
  ) {
    this.#folder = dirname(real(path) ?? path);
    this.root = nodeOf({ path, name: '', root }, '', root);
  }

  /** The part below a node that the steps lead to, each `$ref` on the way followed, and one at the end. */
  at(node: Node, ...steps: (string | number)[]): Node {
    let here = this.follow(node);
    for (const step of steps) here = this.follow(this.child(here, step));
    return here;
  }

  /** The part below a node as it stands. */
  child({ value, file, pointer }: Node, step: string | number): Node {
    const below = Array.isArray(value) ? (value as unknown[])[Number(step)] : own(value, String(step));
    return nodeOf(file, `${pointer}/${escaped(String(step))}`, below);
  }

  /** Each item of a list or of a map with its key, not followed. */
  children(node: Node): [key: string, node: Node][] {
    const { value } = node;
    if (typeof value !== 'object' || value === null) return [];
    return Object.keys(value).map((key) => [key, this.child(node, key)]);
  }

  follow(node: Node): Node {
    let here = node;
    for (let hops = 0; hops < HOPS_MAX; hops++) {
      const ref = own(here.value, '$ref');
      if (typeof ref !== 'string') return here;
      const next = this.resolve(here, ref);
      if (!next) return nodeOf(node.file, node.pointer, undefined);
      here = next;
    }
    this.warnings.add(node, 'the references from here lead in a circle; left out');
    return nodeOf(node.file, node.pointer, undefined);
  }

  /**
   * Where a `$ref` that stands at `from` leads; undefined, after a warning, when nowhere.
   * @param base a schema's root: pointers that lead nowhere from the file's root are tried from there
   */
  resolve(from: Node, ref: string, base?: Node): Node | undefined {
    const [target = '', fragment = ''] = ref.split('#', 2);
    if (/^[a-z][a-z\d+.-]*:/i.test(target) || target.startsWith('//')) {
      return this.#nowhere(from, `${ref} is elsewhere, and nothing is fetched; left out`);
    }
    const file = target === '' ? from.file : this.#file(from, target);
    if (!file) return undefined;
    const pointer = decoded(fragment);
    if (pointer !== '' && !pointer.startsWith('/')) {
      return this.#nowhere(from, `${ref} names an anchor, which is not followed; left out`);
    }
    const steps = parseJsonPointer(pointer);
    const value = pointer === '' ? file.root : partAt(file.root, steps);
    if (value !== undefined) return nodeOf(file, pointer, value);
    const inBase = base && file === base.file ? partAt(base.value, steps) : undefined;
    if (base && inBase !== undefined) return nodeOf(file, `${base.pointer}${pointer}`, inBase);
    return this.#nowhere(from, `${ref} leads nowhere; left out`);
  }

  #nowhere(from: Node, message: string): undefined {
    this.warnings.add(from, message);
  }

  #file(from: Node, target: string): SourceFile | undefined {
    const wanted = resolve(dirname(from.file.path), decoded(target));
    const path = real(wanted);
    if (path === undefined) return this.#nowhere(from, `${target} does not exist; left out`);
    if (path === real(this.root.file.path)) return this.root.file;
    if (!path.startsWith(this.#folder.endsWith(sep) ? this.#folder : `${this.#folder}${sep}`)) {
      return this.#nowhere(from, `${target} is not below the folder of the document; left out`);
    }
    if (this.#files.has(path)) return this.#files.get(path);
    if (this.#files.size >= FILES_MAX) return this.#nowhere(from, `more than ${FILES_MAX} files; left out`);
    const source = this.load(path);
    const name = relative(this.#folder, path).split(sep).join('/');
    const file = 'fault' in source ? undefined : { path, name, root: source.value };
    if ('fault' in source) this.warnings.add(from, `${target} ${source.fault}; left out`);
    this.#files.set(path, file);
    return file;
  }
}

function nodeOf(file: SourceFile, pointer: string, value: unknown): Node {
  return { value, file, pointer, place: `${file.name}#${pointer}` };
}

function real(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function escaped(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
