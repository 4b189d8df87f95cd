import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { isUtf8 } from 'node:buffer';

/** Most files are smaller; the size that the system tells is not asked, because under /proc it is 0. */
const CHUNK_BYTES = 16_384;

export type TextFile = { text: string } | { fault: string; line?: number };

const FAULTS: { readonly [code: string]: string } = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  ELOOP: 'is a symbolic link that leads nowhere',
  ENAMETOOLONG: 'has a name that is too long',
};

/**
 * The whole of a small UTF-8 file. Only regular files are read: a pipe or a device might never end.
 * @returns the text, or in words why there is none (and the line, when some line is to blame)
 */
export function readTextFile(path: string, bytesMax: number): TextFile {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readOpen(file, bytesMax);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code ?? 'unknown error');
    return { fault: FAULTS[code] ?? `cannot be read (${code})` };
  }
}

function readOpen(file: number, bytesMax: number): TextFile {
  if (!fstatSync(file).isFile()) return { fault: 'is not a regular file' };
  const chunks: Buffer[] = [];
  let length = 0;
  for (let read = -1; read !== 0 && length <= bytesMax; length += read) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    read = readSync(file, chunk, 0, chunk.length, null);
    chunks.push(chunk.subarray(0, read));
  }
  if (length > bytesMax) return { fault: `is larger than ${bytesMax} bytes` };
  const content = Buffer.concat(chunks);
  if (isUtf8(content)) return { text: content.toString('utf8') };
  const before = content.toString('utf8').split('\ufffd', 1)[0]!;
  return { fault: 'is not UTF-8 text', line: before.split('\n').length };
}

/** Whether a regular file is there, also behind symbolic links. */
export function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
