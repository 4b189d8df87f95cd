import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { isTest, typescriptFiles, type SourceFile } from './tree.js';

/** A ratchet: these numbers only ever get smaller. */
const FILE_LINES_MAX = 400;
const HALF_OF_FILES_LINES_MAX = 130;
const FUNCTION_LINES_MAX = 80;

const everything = ['src', 'test', 'benchmarks'].flatMap(typescriptFiles);
const product = everything.filter(({ path }) => !isTest(path));

describe('size', () => {
  it('the rule sees long functions of every kind', () => {
    const long = '\n'.repeat(FUNCTION_LINES_MAX);
    const text = `function a() {${long}}\nconst b = () => {${long}};\nclass C { d() {${long}} }\nfunction e() {}`;
    assert.deepEqual(longFunctions({ path: 'x.ts', text }).length, 3);
    const page = `const P = () => (\n<p>it's{list.map(() => (<i>${long}</i>))}</p>);`;
    assert.deepEqual(longFunctions({ path: 'x.tsx', text: page }).length, 2);
  });

  it(`no file has more than ${FILE_LINES_MAX} lines`, () => {
    assert.deepEqual(
      everything.filter((file) => lines(file) > FILE_LINES_MAX).map((file) => `${file.path}: ${lines(file)}`),
      [],
    );
  });

  it(`half of the files have at most ${HALF_OF_FILES_LINES_MAX} lines`, () => {
    const sorted = product.map(lines).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)]!;
    assert.ok(median <= HALF_OF_FILES_LINES_MAX, `the median is ${median}`);
  });

  it(`no function has more than ${FUNCTION_LINES_MAX} lines`, () => {
    assert.deepEqual(product.flatMap(longFunctions), []);
  });
});

function lines({ text }: SourceFile): number {
  return text.split('\n').length - 1;
}

function longFunctions({ path, text }: SourceFile): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const line = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) {
      const from = line(node.getStart(source));
      const count = line(node.end) - from + 1;
      if (count > FUNCTION_LINES_MAX) found.push(`${path}:${from} has ${count} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
