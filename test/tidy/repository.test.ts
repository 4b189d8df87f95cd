import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isTest, paths, read, ROOT, textFiles, type SourceFile } from './tree.js';

const TOP_LEVEL = [
  ...['src', 'test', 'config', 'docs', 'helm', 'benchmarks', 'examples', 'bin', '.ci', 'Dockerfile', 'LICENSE'],
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'package.json', 'package-lock.json', 'nest-cli.json'],
  ...['tsconfig.json', 'tsconfig.build.json', 'eslint.config.js'],
  ...['.gitignore', '.dockerignore', '.npmrc', '.prettierrc.json', '.prettierignore'],
];
const FORBIDDEN_NAMES = /^(utils?|helpers?|common|services?|shared|misc|managers?)$/i;
/** Paths of somebody's machine. */
const MACHINE_PATHS = /(?<![\w.*-])\/(work|farm|home|Users|root)\/[\w.]/;
const UNFINISHED = /\b(TO(?:DO)|FIX(?:ME)|X{3}|HA(?:CK))\b/;
const NOT_RUN = /\.(only|skip|todo)\(|\b(only|skip|todo): true\b/;

const tests = textFiles((path) => isTest(path) && path.endsWith('.ts'));
const texts = textFiles((path) => path !== 'package-lock.json');

describe('repository', () => {
  it('the rules find what they forbid', () => {
    assert.match('see /ho' + 'me/me/x', MACHINE_PATHS);
    assert.doesNotMatch('src/work/x.ts, https://a.b/work/x', MACHINE_PATHS);
    assert.match('// TO' + 'DO: later', UNFINISHED);
    assert.match('it.on' + 'ly(', NOT_RUN);
    assert.match('{ sk' + 'ip: true }', NOT_RUN);
    assert.doesNotMatch("{ skip: needs('strace') }", NOT_RUN);
  });

  it('the top level holds what it is meant to hold', () => {
    const found = new Set(paths.map((path) => path.split('/')[0]!));
    assert.deepEqual(
      [...found].filter((name) => !TOP_LEVEL.includes(name)),
      [],
    );
    assert.deepEqual(
      TOP_LEVEL.filter((name) => !found.has(name)),
      [],
      'missing',
    );
  });

  it('files and folders are named after the domain', () => {
    const parts = (path: string): string[] => path.split('/').map((part) => part.split('.')[0]!);
    assert.deepEqual(
      paths.filter((path) => parts(path).some((part) => FORBIDDEN_NAMES.test(part)) && /\.tsx?$/.test(path)),
      [],
    );
  });

  it('nothing is left unfinished', () => {
    assert.deepEqual(found(texts, UNFINISHED), []);
  });

  it('no test is left out or runs alone', () => {
    assert.ok(tests.length > 20, 'the tests were not found');
    assert.deepEqual(found(tests, NOT_RUN), []);
  });

  it('no path of anybody’s machine is in a file', () => {
    assert.deepEqual(found(texts, MACHINE_PATHS), []);
  });

  it('the lockfile works with any registry', () => {
    assert.doesNotMatch(read('package-lock.json'), /"resolved":/);
  });

  it('what is meant to be run can be run', () => {
    for (const path of ['.ci/run', 'bin/holdfast']) assert.ok(statSync(join(ROOT, path)).mode & 0o100, path);
  });
});

function found(files: SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );
}
