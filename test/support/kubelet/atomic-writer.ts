import {
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface ProjectedFile {
  data: string | Buffer;
  mode: number;
}

/** By path below the volume's directory. */
export type Payload = Map<string, ProjectedFile>;

/**
 * Puts the files of a ConfigMap or Secret into a volume as the kubelet does: they lie in `..2026_11_26_13_05_09.123`,
 * the link `..data` leads there, and `key` leads to `..data/key`. An update makes another such directory and renames
 * a new link over `..data`, so that a reader sees all of the old or all of the new. Nothing happens when nothing has
 * changed. [kubernetes: pkg/volume/util/atomic_writer.go, "Write does an atomic projection of the given payload"]
 *
 * @param group fsGroup: it owns the files and may read them [pkg/volume/volume_linux.go, SetVolumeOwnership]
 * @returns whether something was written
 */
export function writeAtomically(directory: string, payload: Payload, group?: number): boolean {
  const link = join(directory, '..data');
  const old = existsSync(link) ? readlinkSync(link) : undefined;
  const before = old === undefined ? [] : filesBelow(join(directory, old));
  const gone = before.filter((path) => !payload.has(path));
  if (old !== undefined && gone.length === 0 && [...payload].every((file) => isThere(join(directory, old), file))) {
    return false;
  }
  const fresh = mkdtempSync(join(directory, `${timestamp()}.`));
  chmodSync(fresh, 0o755);
  for (const [path, file] of payload) write(fresh, path, file);
  if (group !== undefined) give(fresh, group, true);
  const temporary = join(directory, '..data_tmp');
  symlinkSync(fresh.slice(directory.length + 1), temporary);
  renameSync(temporary, link);
  const visible = new Set([...payload.keys()].map(firstPart));
  for (const name of visible) {
    if (!existsSync(join(directory, name))) symlinkSync(join('..data', name), join(directory, name));
  }
  for (const name of new Set(gone.map(firstPart))) if (!visible.has(name)) rmSync(join(directory, name));
  if (old !== undefined) rmSync(join(directory, old), { recursive: true });
  return true;
}

/**
 * What `fsGroup` does to each file of a volume before a container sees it: the group owns it and may read it, and
 * write it unless the volume is read-only; new files of a directory belong to the group, too.
 */
export function give(path: string, group: number, readOnly: boolean): void {
  lchownSync(path, -1, group);
  const stat = statSync(path);
  const mode = (stat.mode & 0o7777) | (readOnly ? 0o440 : 0o660) | (stat.isDirectory() ? 0o2110 : 0);
  chmodSync(path, mode);
  if (!stat.isDirectory()) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isSymbolicLink()) lchownSync(below, -1, group);
    else give(below, group, readOnly);
  }
}

function write(directory: string, path: string, { data, mode }: ProjectedFile): void {
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, data);
  chmodSync(file, mode);
}

function isThere(directory: string, [path, { data }]: [string, ProjectedFile]): boolean {
  const file = join(directory, path);
  return existsSync(file) && readFileSync(file).equals(Buffer.from(data as Buffer));
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

function firstPart(path: string): string {
  return path.split('/')[0]!;
}

/** `..2026_11_26_13_05_09` */
function timestamp(): string {
  return `..${new Date().toISOString().slice(0, 19).replace(/\D/g, '_')}`;
}
