import { readFileSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';
import protojson from 'protobufjs/ext/protojson.js';
import type { ProtobufSettings } from '../../domain/contract.js';
import { FileMemory } from '../file-memory.js';
import { Bounds, measure, tooDeepText, type ValueLimits } from './bounds.js';
import type { Decoded } from './decoder.js';
import { BoundedReader } from './protobuf-reader.js';
import { withDefaults } from './protobuf-defaults.js';
import { answered, Unfit } from './unfit.js';

/** How protobuf.js says that messages nest deeper than it goes. */
const TOO_DEEP = 'max depth exceeded';

/**
 * Protocol Buffers as the JSON-like value of their JSON mapping (64-bit integers and NaN are text, bytes base64,
 * Timestamp an ISO text, names in lowerCamelCase), with the fields that are zero and so are not sent.
 * @throws Error that says what is wrong with the file
 */
export async function loadProtobuf(
  settings: ProtobufSettings,
  limits: ValueLimits,
  memory = new FileMemory(),
): Promise<(payload: Uint8Array) => Decoded> {
  const root = await (settings.file.endsWith('.proto')
    ? rootOfSource(settings, memory)
    : rootOfDescriptors(settings.file, memory));
  const type = root.lookupTypeOrEnum(settings.message);
  if (!(type instanceof protobuf.Type)) throw new Error(`${settings.message} is no message of ${settings.file}`);
  let bounds = new Bounds(limits);
  countMessages(root, () => bounds.container());
  return (payload) =>
    answered('protobuf', () => {
      bounds = new Bounds(limits);
      return { ok: true, value: valueOf(type, new BoundedReader(payload, bounds), limits) };
    });
}

/** Calls `made` for each message while it is decoded, before there are more of them than memory. */
function countMessages(namespace: protobuf.NamespaceBase, made: () => void): void {
  for (const inner of namespace.nestedArray) {
    if (inner instanceof protobuf.Type) {
      inner.ctor = function Message() {
        made();
      } as unknown as protobuf.Constructor<object>;
    }
    if (inner instanceof protobuf.Namespace) countMessages(inner, made);
  }
}

function valueOf(type: protobuf.Type, payload: protobuf.Reader, limits: ValueLimits): unknown {
  let value: unknown;
  try {
    value = withDefaults(type, protojson.toJson(type, type.decode(payload)), new Bounds(limits));
  } catch (error) {
    if (!(error instanceof Error) || error.message !== TOO_DEEP) throw error;
    throw new Unfit('too-deep', 'depth', tooDeepText(protobuf.util.recursionLimit));
  }
  measure(value, limits);
  return value;
}

/**
 * Imports are files below the root, or those that Protocol Buffers bring along. As protobuf.Root.loadSync(), which
 * cannot be told where to read.
 */
function rootOfSource({ file, root: folder }: ProtobufSettings, memory: FileMemory): protobuf.Root {
  const root = new protobuf.Root();
  const real = memory.ask('real', folder, () => realpathSync(folder));
  const add = (path: string): void => {
    if (root.files.includes(path)) return;
    root.files.push(path);
    const source = memory.ask('text', path, () => readFileSync(path, 'utf8'));
    (protobuf.parse as { filename?: string }).filename = path; // for its errors
    const { imports, weakImports } = protobuf.parse(source, root);
    for (const target of [...(imports ?? []), ...(weakImports ?? [])]) {
      const name = target.slice(Math.max(0, target.lastIndexOf('google/protobuf/')));
      const bundled = protobuf.common.get(name);
      if (!bundled) add(memory.ask('import', `${target} of ${path}`, () => importOf(real, target)));
      else if (!root.files.includes(name)) {
        root.files.push(name);
        root.addJSON(bundled.nested!);
      }
    }
  };
  add(file);
  root.resolveAll();
  return root;
}

function importOf(folder: string, target: string): string {
  const found = realpathSync(resolve(folder, target));
  const below = relative(folder, found);
  if (!isAbsolute(below) && below.split(sep)[0] !== '..') return found;
  throw new Error(`the import ${JSON.stringify(target)} leads out of ${folder}`);
}

async function rootOfDescriptors(file: string, memory: FileMemory): Promise<protobuf.Root> {
  const bytes = await memory.asked('bytes', file, () => readFile(file));
  const root = protobuf.Root.fromDescriptor(Buffer.from(bytes));
  root.resolveAll();
  return root;
}
