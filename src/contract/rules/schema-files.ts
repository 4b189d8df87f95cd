/** The files that make up one schema: its own, and those it refers to. Nothing is fetched, and nothing outside is read. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, extname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SEARCHED, type FileMemory } from '../file-memory.js';
import { ContractFlaw } from '../problem.js';
import { dialectOf, type Dialect } from './dialect.js';
import { places, withoutFragment, type Resolve, type Schema, type SchemaObject } from './schema-walk.js';

const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Files of a folder that are looked through for an `$id`. */
const FILES_MAX = 1_000;
const FOLDER_DEPTH_MAX = 8;

export interface SchemaDocument {
  /** From the folder of the contract's schema; for people. */
  name: string;
  /** What its references are relative to: its `$id`, or where it was found. */
  uri: string;
  /** Other URIs that lead to it. */
  aliases: Set<string>;
  schema: Schema;
}

export interface SchemaFilesOptions {
  resolve: Resolve;
  /** URIs that are known without a file: those of the dialects. */
  known: (uri: string) => boolean;
}

/** @param place such as `/properties/a` @returns an error that says where, what and how to mend it */
export function schemaFlaw(name: string, place: string, message: string): ContractFlaw {
  return new ContractFlaw(`${name}#${place}: ${message}`);
}

/** Reads a schema and all it refers to, each file once. */
export class SchemaFiles {
  readonly documents: SchemaDocument[] = [];
  readonly #folder: string;
  #realFolder = '';
  #dialect!: Dialect;
  #options!: SchemaFilesOptions;
  /** By the file's real path. */
  readonly #byFile = new Map<string, SchemaDocument>();
  /** Every URI that leads somewhere: of files, and of schemas within them. */
  readonly #uris = new Set<string>();
  #ids: Map<string, string[]> | undefined;

  constructor(
    private readonly file: string,
    private readonly options: (dialect: Dialect) => SchemaFilesOptions,
    private readonly memory: FileMemory,
  ) {
    this.#folder = dirname(file);
  }

  /** @returns the dialect of all of them @throws Error that says what is wrong with which file */
  async read(): Promise<Dialect> {
    const schema = await this.#parsed(this.file, this.#name(this.file));
    this.#realFolder = await this.#real(this.#folder);
    this.#dialect = namedDialect(schema, this.#name(this.file));
    this.#options = this.options(this.#dialect);
    const { resolve, known } = this.#options;
    this.#add(await this.#real(this.file), this.file, schema, pathToFileURL(this.file).href);
    // It grows while files are found.
    for (const document of this.documents) {
      for (const { schema, pointer, base } of places(document.schema, document.uri, resolve)) {
        for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
          const reference = schema[keyword];
          if (typeof reference !== 'string' || reference.startsWith('#')) continue;
          const uri = withoutFragment(resolve(base, reference));
          if (this.#uris.has(uri) || known(uri)) continue;
          const flaw = (message: string): Error => schemaFlaw(document.name, `${pointer}/${keyword}`, message);
          await this.#find({ uri, reference, from: document, flaw });
        }
      }
    }
    return this.#dialect;
  }

  async #find(wanted: Reference): Promise<void> {
    const { file, foundBy } = await this.#fileOf(wanted);
    const real = await this.#real(file);
    const known = this.#byFile.get(real);
    if (known) {
      known.aliases.add(wanted.uri);
      this.#uris.add(wanted.uri);
      return;
    }
    const name = this.#name(file);
    const schema = await this.#parsed(file, name);
    if (namedDialect(schema, name, this.#dialect) !== this.#dialect) {
      throw wanted.flaw(`refers to ${name}, which is of another draft; give both the same $schema`);
    }
    this.#add(real, file, schema, foundBy);
  }

  /** The file that answers to the URI, and the URI its own is relative to. */
  async #fileOf({ uri, reference, from, flaw }: Reference): Promise<{ file: string; foundBy: string }> {
    const quoted = JSON.stringify(reference);
    const path = this.#pathOf(uri, from);
    if (path !== undefined) {
      if (!within(this.#folder, path)) throw flaw(outside(quoted));
      const { real, isFile } = await this.memory.asked('found', path, () => foundAt(path));
      if (real !== undefined && !within(this.#realFolder, real)) throw flaw(outside(quoted));
      if (isFile) return { file: path, foundBy: uri };
    }
    this.#ids ??= await this.memory.asked(SEARCHED, this.#folder, () => this.#allIds());
    const [found, another] = this.#ids.get(uri) ?? [];
    if (another !== undefined) {
      const names = `${this.#name(found!)} and ${this.#name(another)}`;
      throw flaw(`refers to ${quoted}, the $id of both ${names}; keep one of them`);
    }
    // The $id may be that of a schema within the file.
    if (found !== undefined) return { file: found, foundBy: pathToFileURL(found).href };
    if (uri.startsWith('file:')) throw flaw(`refers to ${quoted}, and there is no such file; mend the path`);
    throw flaw(
      `refers to ${quoted}: nothing is fetched, and no .json file beside or below the schema has the $id ${uri}; save it there`,
    );
  }

  /**
   * The path a URI leads to. A file is looked for beside its referrer also where that one has an `$id` of another kind:
   * `https://example.com/a.json` in a.json makes `b.json` the file beside it.
   */
  #pathOf(uri: string, from: SchemaDocument): string | undefined {
    try {
      if (uri.startsWith('file:')) return fileURLToPath(uri);
      const folder = from.uri.slice(0, from.uri.lastIndexOf('/') + 1);
      if (folder === '' || !uri.startsWith(folder)) return undefined;
      return join(this.#folder, dirname(from.name), decodeURIComponent(uri.slice(folder.length)));
    } catch {
      return undefined; // Not a URI of this machine's files.
    }
  }

  #add(real: string, file: string, schema: Schema, foundBy: string): void {
    const { resolve } = this.#options;
    const id = typeof schema === 'object' ? schema['$id'] : undefined;
    const uri = typeof id === 'string' ? withoutFragment(resolve(foundBy, id)) : foundBy;
    const absolute = typeof id === 'string' ? { ...(schema as SchemaObject), $id: uri } : schema;
    const document = {
      name: this.#name(file),
      uri,
      aliases: new Set([foundBy, pathToFileURL(file).href]),
      schema: absolute,
    };
    document.aliases.delete(uri);
    this.documents.push(document);
    this.#byFile.set(real, document);
    for (const one of [uri, ...document.aliases]) this.#uris.add(one);
    for (const { base } of places(absolute, uri, resolve)) this.#uris.add(base);
  }

  /** Which files have which `$id`, their own or one of a schema within. */
  async #allIds(): Promise<Map<string, string[]>> {
    const ids = new Map<string, string[]>();
    for (const file of await jsonFiles(this.#folder, this.#realFolder, this.memory)) {
      this.memory.looked.add(file);
      const schema = await schemaIn(file).catch(() => undefined); // Perhaps it is none at all.
      if (schema === undefined) continue;
      const uri = pathToFileURL(file).href;
      const found = new Set([...places(schema, uri, this.#options.resolve)].map(({ base }) => base));
      for (const id of found) if (id !== uri) ids.set(id, [...(ids.get(id) ?? []), file]);
    }
    return ids;
  }

  #name(file: string): string {
    return relative(this.#folder, file);
  }

  /** Where the path leads. */
  #real(path: string): Promise<string> {
    return this.memory.asked('real', path, () => realpath(path));
  }

  async #parsed(file: string, name: string): Promise<Schema> {
    return parsed(await this.memory.asked('text', file, () => textOf(file, name)), name);
  }
}

async function textOf(file: string, name: string): Promise<string> {
  const { size } = await stat(file);
  if (size > FILE_BYTES_MAX) throw schemaFlaw(name, '', `is larger than ${FILE_BYTES_MAX} bytes`);
  return readFile(file, 'utf8');
}

function parsed(text: string, name: string): Schema {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    throw schemaFlaw(name, '', `is not JSON: ${(error as Error).message}`);
  }
  if (typeof schema === 'boolean') return schema;
  if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return schema as SchemaObject;
  throw schemaFlaw(name, '', 'a JSON Schema is an object or a boolean');
}

async function schemaIn(file: string): Promise<Schema> {
  return parsed(await textOf(file, file), file);
}

async function foundAt(path: string): Promise<{ real: string | undefined; isFile: boolean }> {
  const real = await realpath(path).catch(() => undefined);
  return { real, isFile: real !== undefined && (await stat(real)).isFile() };
}

interface Reference {
  uri: string;
  /** As it is written. */
  reference: string;
  from: SchemaDocument;
  flaw: (message: string) => Error;
}

function namedDialect(schema: Schema, name: string, otherwise?: Dialect): Dialect {
  try {
    return dialectOf(typeof schema === 'object' ? schema['$schema'] : undefined, otherwise);
  } catch (error) {
    throw schemaFlaw(name, '/$schema', (error as Error).message);
  }
}

function outside(quoted: string): string {
  return `refers to ${quoted}, which leads out of the schema's folder; put the file beside or below the schema`;
}

/** A name may begin with dots: Kubernetes keeps what it mounts in `..data`. */
function within(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && way !== path;
}

/** Files named `.json`, each once, however many links lead to it; not hidden ones, and not examples of payloads. */
async function jsonFiles(folder: string, realFolder: string, { looked }: FileMemory): Promise<string[]> {
  const files = new Map<string, string>();
  const seen = new Set<string>();
  const look = async (directory: string, depth: number): Promise<void> => {
    looked.add(directory);
    const names = await readdir(directory).catch(() => []); // Not ours to read.
    for (const name of names.sort()) {
      if (name.startsWith('.') || files.size >= FILES_MAX) continue;
      const path = join(directory, name);
      const real = await realpath(path).catch(() => undefined);
      if (real === undefined || seen.has(real) || !within(realFolder, real)) continue;
      seen.add(real);
      if ((await stat(real)).isDirectory()) {
        if (depth < FOLDER_DEPTH_MAX && name !== 'node_modules') await look(path, depth + 1);
      } else if (extname(name) === '.json' && !/\.(in)?valid\.json$/.test(name)) files.set(real, path);
    }
  };
  await look(folder, 1);
  return [...files.values()];
}
