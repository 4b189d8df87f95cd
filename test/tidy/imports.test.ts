import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forbiddenImports, notReExports, roomsOf } from './import-matrix.js';
import { typescriptFiles } from './tree.js';

const sources = typescriptFiles('src');

describe('imports', () => {
  it('the rules find what they forbid, and let the rest pass', () => {
    const verdict = (path: string, to: string): string[] => forbiddenImports({ path, text: `import '${to}';` });
    const forbidden = [
      ['src/link/a.ts', '../journal/index.js'],
      ['src/link/a.ts', '../gateway.js'],
      ['src/link/a.ts', '../../test/support/until.js'],
      ['src/domain/a.ts', '../link/index.js'],
      ['src/domain/a.ts', 'mqtt'],
      ['src/gateway.ts', './journal/rows.js'],
      ['src/threads/a.ts', '../journal/rows.js'],
      ['src/console/app/a.tsx', '../read.controller.js'],
      ['src/console/app/a.tsx', 'node:fs'],
      ['src/console/a.ts', './app/a.js'],
    ];
    for (const [path, to] of forbidden) assert.equal(verdict(path!, to!).length, 1, `${path} -> ${to}`);
    const allowed = [
      ['src/link/a.ts', '../domain/topic.js'],
      ['src/link/a.ts', './b.js'],
      ['src/link/a.ts', 'mqtt'],
      ['src/domain/a.ts', 'node:crypto'],
      ['src/domain/a.spec.ts', 'fast-check'],
      ['src/gateway.ts', './journal/index.js'],
      ['src/threads/a.ts', '../journal/index.js'],
      ['src/main.ts', './commands/check.js'],
      ['src/console/app/a.tsx', '../shown/types.js'],
      ['src/console/app/a.tsx', 'preact'],
    ];
    for (const [path, to] of allowed) assert.deepEqual(verdict(path!, to!), []);
    assert.equal(notReExports({ path: 'a.ts', text: 'export const a = 1;\nexport * from "./b.js";' }).length, 2);
  });

  it('no room imports another, and domain imports nothing', () => {
    assert.deepEqual(sources.flatMap(forbiddenImports), []);
  });

  it('every room has one door, which only names what it exports', () => {
    const doors = roomsOf(sources).map((room) => `src/${room}/index.ts`);
    assert.ok(doors.length >= 8, `only ${doors.length} rooms were found`);
    const found = sources.filter(({ path }) => doors.includes(path));
    assert.deepEqual(found.map(({ path }) => path).sort(), doors.sort());
    assert.deepEqual(found.flatMap(notReExports), []);
  });
});
