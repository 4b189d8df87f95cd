import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, it } from 'node:test';
import { ERRORS } from '../../src/domain/errors.js';
import { anchorsOf, entriesOf, linksOf } from './markdown.js';
import { isTest, read, ROOT, textFiles, typescriptFiles, type SourceFile } from './tree.js';

const METRIC = /\bholdfast_[a-z0-9_]+/g;
/** What Prometheus adds to a histogram's name. */
const SERIES_ENDING = /_(bucket|count|sum)$/;

const pages = textFiles((path) => path.endsWith('.md'));

describe('documents', () => {
  it('the link rule finds a missing file and a missing heading', () => {
    const page = (text: string): SourceFile => ({ path: 'README.md', text });
    assert.equal(brokenLinks(page('see [x](docs/nowhere.md)')).length, 1);
    assert.equal(brokenLinks(page('# Here\n[x](#there)')).length, 1);
    assert.equal(brokenLinks(page('[x]: nowhere.md')).length, 1);
    assert.deepEqual(brokenLinks(page('# Is `it` here?\n[x](#is-it-here) [y](https://a.b/c) `[z](nowhere.md)`')), []);
  });

  it('every link leads somewhere', () => {
    assert.ok(pages.length > 3, 'the Markdown files were not found');
    assert.deepEqual(pages.flatMap(brokenLinks), []);
  });

  it('docs/errors.md lists exactly the error codes', () => {
    const listed = entriesOf(read('docs/errors.md'), /^[A-Z][A-Z0-9_]+$/);
    assert.deepEqual(duplicates(listed), []);
    assert.deepEqual(listed.toSorted(), Object.keys(ERRORS).sort());
  });

  it('docs/metrics.md lists exactly the metrics', () => {
    const sources = typescriptFiles('src').filter(({ path }) => !isTest(path));
    const made = new Set(sources.flatMap(({ text }) => text.match(METRIC) ?? []));
    const listed = new Set(
      (read('docs/metrics.md').match(METRIC) ?? []).map((name) => name.replace(SERIES_ENDING, '')),
    );
    assert.ok(made.size > 20, `only ${made.size} metrics were found`);
    assert.deepEqual([...listed].sort(), [...made].sort());
  });
});

function brokenLinks({ path, text }: SourceFile): string[] {
  return linksOf(text).flatMap(({ target, line }) => {
    if (/^[a-z][a-z+.-]*:/.test(target)) return [];
    const [file = '', anchor] = decodeURI(target).split('#');
    const wanted = file === '' ? path : posix.join(posix.dirname(path), file);
    const broken = `${path}:${line} -> ${target}`;
    if (!existsSync(join(ROOT, wanted))) return [`${broken}: no such file`];
    if (anchor === undefined || statSync(join(ROOT, wanted)).isDirectory() || !wanted.endsWith('.md')) return [];
    const there = wanted === path ? text : read(wanted);
    return anchorsOf(there).has(anchor) ? [] : [`${broken}: no such heading`];
  });
}

function duplicates(names: string[]): string[] {
  return names.filter((name, i) => names.indexOf(name) !== i);
}
