/** What a build may copy: the files of a folder that its .dockerignore lets through. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Never in a context here, and large. */
const LARGE = new Set(['.git', 'node_modules', '.cache']);

interface Rule {
  pattern: RegExp;
  allows: boolean;
}

/** Paths from `root`, with `/`, sorted. */
export function dockerContext(root: string): string[] {
  const ignored = ignoring(readFileSync(join(root, '.dockerignore'), 'utf8'));
  const walk = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder + entry.name;
      if (entry.isDirectory()) return LARGE.has(entry.name) && ignored(path) ? [] : walk(`${path}/`);
      return ignored(path) ? [] : [path];
    });
  return walk('').sort();
}

/** A .dockerignore as a question: the last line that matches a path, or a folder it is in, decides. */
export function ignoring(text: string): (path: string) => boolean {
  const lines = text.split('\n').map((line) => line.trim());
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#')).map(rule);
  return (path) => {
    const parts = path.split('/');
    const self = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
    const last = rules.findLast(({ pattern }) => self.some((one) => pattern.test(one)));
    return last !== undefined && !last.allows;
  };
}

function rule(line: string): Rule {
  const allows = line.startsWith('!');
  const glob = (allows ? line.slice(1) : line).replace(/^\.?\/|\/$/g, '');
  const pattern = glob
    .split('/')
    .map((part) =>
      part === '**'
        ? '(?:[^/]+/)*'
        : `${part
            .replace(/[.+^${}()|\\]/g, '\\$&')
            .replace(/\*/g, '[^/]*')
            .replace(/\?/g, '[^/]')}/`,
    )
    .join('');
  return { pattern: new RegExp(`^${pattern.replace(/\/$/, '')}$`), allows };
}
