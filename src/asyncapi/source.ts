import { readFileSync, statSync } from 'node:fs';
import { parseDocument } from 'yaml';

export type Source = { value: unknown } | { fault: string };

const BYTES_MAX = 16 * 1024 * 1024;
/** Anchors that anchors refer to can make a small file enormous. */
const ALIASES_MAX = 1_000;

/** Reads a YAML or JSON file; a `.proto` file is its text. Never throws. */
export function readSource(path: string): Source {
  try {
    const facts = statSync(path);
    if (!facts.isFile()) return { fault: 'is not a regular file' };
    if (facts.size > BYTES_MAX) return { fault: `is larger than ${BYTES_MAX} bytes` };
    const text = readFileSync(path, 'utf8');
    return path.endsWith('.proto') ? { value: text } : parseSource(text);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { fault: code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read: ${message}` };
  }
}

/** JSON is YAML too, but its own parser is exact about it, and quick. Never throws. */
export function parseSource(text: string): Source {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return parseYaml(text);
  }
}

function parseYaml(text: string): Source {
  try {
    const document = parseDocument(text, { merge: true, prettyErrors: true, logLevel: 'silent' });
    const error = document.errors[0];
    if (error) return { fault: `is neither YAML nor JSON: ${error.message.split('\n', 1)[0]}` };
    return { value: document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown };
  } catch (error) {
    return { fault: `cannot be read as YAML: ${(error as Error).message}` };
  }
}
