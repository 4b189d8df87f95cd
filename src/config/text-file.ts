import { closeSync, fstatSync, openSync, readSync, constants } from 'node:fs';
import { isUtf8 } from 'node:buffer';

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
  const bytes = Buffer.alloc(bytesMax + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(file, bytes, length, bytes.length - length, null);
  }
  if (length > bytesMax) return { fault: `is larger than ${bytesMax} bytes` };
  const content = bytes.subarray(0, length);
  if (isUtf8(content)) return { text: content.toString('utf8') };
  const before = content.toString('utf8').split('\ufffd', 1)[0]!;
  return { fault: 'is not UTF-8 text', line: before.split('\n').length };
}
