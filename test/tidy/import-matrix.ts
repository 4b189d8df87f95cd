import { posix } from 'node:path';
import ts from 'typescript';
import { isTest, type SourceFile } from './tree.js';

/** Folders of `src` that tie rooms together; so do the files directly in it. */
const COMPOSITION = new Set(['threads', 'commands', 'demo', 'embedded']);

/** The page: it runs in a browser, so that nothing else of its room may come with it. */
const PAGE = 'src/console/app/';
const PAGE_MAY_IMPORT = [PAGE, 'src/console/shown/', 'src/domain/'];

/** Every module a file imports or re-exports, also by `import()` and `import type`. */
export function importsOf({ path, text }: SourceFile): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => {
    return fileName.startsWith('.') ? posix.join(posix.dirname(path), fileName) : fileName;
  });
}

/** The room a path under `src` is in; '' for the files that are in none. */
function roomOf(path: string): string {
  const [, room, ...rest] = path.split('/');
  return rest.length > 0 ? room! : '';
}

/** What the import rules of the house forbid in this file. */
export function forbiddenImports(file: SourceFile): string[] {
  const room = roomOf(file.path);
  const composes = room === '' || COMPOSITION.has(room);
  const problem = (to: string): string | undefined => {
    const test = isTest(file.path);
    if (file.path.startsWith(PAGE)) return ofPage(to);
    if (to.startsWith(PAGE)) return 'it runs in a browser';
    if (!to.startsWith('src/')) {
      if (to.startsWith('test/')) return test ? undefined : 'the product imports a test';
      return room === 'domain' && !test && !to.startsWith('node:') ? 'domain imports a package' : undefined;
    }
    const target = roomOf(to);
    if (target === room) return undefined;
    if (target === 'domain') return undefined;
    if (target === '') return composes ? undefined : 'a room imports what ties rooms together';
    if (!composes) return `${room} imports the room ${target}`;
    if (COMPOSITION.has(target)) return undefined;
    return to === `src/${target}/index.js` ? undefined : `not through the door of ${target}`;
  };
  return importsOf(file).flatMap((to) => {
    const why = problem(to);
    return why === undefined ? [] : [`${file.path} -> ${to}: ${why}`];
  });
}

function ofPage(to: string): string | undefined {
  if (to.startsWith('node:')) return 'no browser has it';
  const ours = to.startsWith('src/') || to.startsWith('test/');
  return !ours || PAGE_MAY_IMPORT.some((folder) => to.startsWith(folder)) ? undefined : 'the page imports the gateway';
}

/** Statements of a door that are not re-exports by name. */
export function notReExports({ path, text }: SourceFile): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  return source.statements
    .filter((one) => !(ts.isExportDeclaration(one) && one.moduleSpecifier && one.exportClause))
    .map((one) => `${path}: ${text.slice(one.pos, one.end).trim().split('\n')[0]}`);
}

export function roomsOf(files: SourceFile[]): string[] {
  return [...new Set(files.map(({ path }) => roomOf(path)))].filter(
    (room) => room !== '' && room !== 'domain' && (!COMPOSITION.has(room) || room === 'demo' || room === 'embedded'),
  );
}
