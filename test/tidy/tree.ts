/** The repository's own files, as the tidy tests see them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** Made, installed or private; .gitignore says the same. */
const IGNORED = new Set(['.git', 'node_modules', 'dist', '.cache', 'data']);
const IGNORED_ENDINGS = ['.log', '.tsbuildinfo'];
/** Files whose text is worth looking at. */
const TEXT =
  /\.(tsx?|js|mjs|json|ya?ml|md|html|css|svg|sh|tpl|txt)$|(^|\/)(Dockerfile|LICENSE|NOTICE|run|holdfast|\.[a-z]+(rc|ignore))$/;

const TYPESCRIPT = /\.tsx?$/;

export interface SourceFile {
  /** From the root, with `/`. */
  path: string;
  text: string;
}

/** Every file's path from the root, with `/`. */
export const paths: string[] = walk('');

function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (IGNORED.has(entry.name) || IGNORED_ENDINGS.some((ending) => entry.name.endsWith(ending))) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(path) : [path];
  });
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export function textFiles(wanted: (path: string) => boolean = () => true): SourceFile[] {
  return paths.filter((path) => TEXT.test(path) && wanted(path)).map((path) => ({ path, text: read(path) }));
}

export function typescriptFiles(folder: string): SourceFile[] {
  return textFiles((path) => path.startsWith(`${folder}/`) && TYPESCRIPT.test(path));
}

/** Specs, and what only they use: not part of the product. */
export function isTest(path: string): boolean {
  return path.startsWith('test/') || /\.(spec|suite|fixture|test|soak)\.tsx?$/.test(path);
}
