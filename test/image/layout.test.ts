/** What the image holds, and what it does not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { imageRoot, type Image } from '../support/image.js';
import { read, ROOT } from '../tidy/tree.js';

interface LockedPackage {
  version: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  hasInstallScript?: boolean;
}

const MIB = 2 ** 20;
/** Twice of what it is: who goes beyond has added something large. */
const PACKAGES_BYTES_MAX = 200 * MIB;
/** Licences that ask for nothing but their text. */
const LICENCES = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Apache-2.0', 'BlueOak-1.0.0'];

const { packages } = JSON.parse(read('package-lock.json')) as { packages: { [path: string]: LockedPackage } };
const locked = Object.entries(packages).filter(([path]) => path !== '');
const production = locked.filter(([, { dev }]) => !dev);

let image: Image;
let home: string;

describe('the layout of the image', () => {
  before(async () => {
    image = await imageRoot();
    home = join(image.directory, image.workdir);
  });

  it('holds the package as it is packed, and what it depends on', () => {
    const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const packed = namesOf(JSON.parse(stdout));
    assert.ok(packed.includes('dist/main.js') && packed.includes('config/demo.yaml'));
    const found = filesBelow(home).filter((path) => !path.startsWith('node_modules/'));
    assert.deepEqual(found, packed.sort());
  });

  it('every production dependency is there, and nothing else: no tool of the build, no second Node', () => {
    const there = (paths: typeof locked): string[] =>
      paths.map(([path]) => path).filter((path) => existsSync(join(home, path)));
    assert.ok(production.length > 50 && locked.length > production.length + 50);
    assert.deepEqual(
      there(locked),
      production.filter(([, { optional }]) => !optional).map(([path]) => path),
    );
    const folders = filesBelow(home).filter((path) => /^node_modules\/.*\/package\.json$/.test(path)).length;
    assert.ok(folders >= production.length);
    for (const path of ['node_modules/node', 'node_modules/typescript', 'src', 'package-lock.json', '.npmrc']) {
      assert.equal(existsSync(join(home, path)), false, path);
    }
  });

  it('nothing in it is made for one architecture: it is built once for all of them', () => {
    const bound = production.filter(([, one]) => one.os ?? one.cpu ?? one.hasInstallScript);
    assert.deepEqual(bound, []);
    assert.deepEqual(
      filesBelow(home).filter((path) => path.endsWith('.node')),
      [],
    );
  });

  it('licences: the own text, the page’s, and only such as ask for nothing else', () => {
    assert.equal(readFileSync(join(home, 'LICENSE'), 'utf8'), read('LICENSE'));
    assert.ok(existsSync(join(home, 'dist/console/page/THIRD-PARTY.txt')));
    const licences = production.map(([path]) => {
      const { license } = JSON.parse(readFileSync(join(home, path, 'package.json'), 'utf8')) as { license?: string };
      return [path, license];
    });
    assert.deepEqual(
      licences.filter(([, licence]) => !LICENCES.includes(licence ?? '')),
      [],
    );
  });

  it('the list of packages names each of them, with its version', () => {
    const text = readFileSync(join(image.directory, 'usr/share/sbom/holdfast.cdx.json'), 'utf8');
    const list = JSON.parse(text) as {
      bomFormat: string;
      metadata: { component: { name: string; version: string } };
      components: { name: string; group?: string; version: string }[];
    };
    assert.equal(list.bomFormat, 'CycloneDX');
    const { name, version } = JSON.parse(read('package.json')) as { name: string; version: string };
    const { component } = list.metadata;
    assert.deepEqual([component.name, component.version], [name, version]);
    const listed = list.components.map((one) => `${one.name}@${one.version}`);
    const expected = production.map(([path, one]) => `${path.split('node_modules/').at(-1)}@${one.version}`);
    assert.deepEqual([...new Set(listed)].sort(), [...new Set(expected)].sort());
  });

  it('everybody may read it, only its owner may write to it, and that is not the image’s user; but /data is', () => {
    const files = filesBelow(image.directory).map((path) => ({ path, ...lstatSync(join(image.directory, path)) }));
    assert.deepEqual(
      files.filter(({ mode }) => (mode & 0o170000) === 0o100000 && (mode & 0o466) !== 0o444).map(({ path }) => path),
      [],
    );
    if (process.getuid?.() !== 0) return;
    assert.deepEqual([...new Set(files.map(({ uid }) => uid))], [0]);
    const { uid, gid, mode } = lstatSync(join(image.directory, 'data'));
    assert.deepEqual([uid, gid, mode & 0o777], [image.user, image.group, 0o750]);
  });

  it('is not much larger than it was', (t) => {
    const sizes = new Map<string, number>();
    for (const path of filesBelow(join(home, 'node_modules'))) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(path)![0];
      sizes.set(name, (sizes.get(name) ?? 0) + lstatSync(join(home, 'node_modules', path)).size);
    }
    const sum = [...sizes.values()].reduce((a, b) => a + b, 0);
    const largest = [...sizes].sort(([, a], [, b]) => b - a).slice(0, 5);
    t.diagnostic(`packages: ${mib(sum)}; ${largest.map(([name, size]) => `${name} ${mib(size)}`).join(', ')}`);
    assert.ok(sum < PACKAGES_BYTES_MAX, mib(sum));
  });
});

/** npm answers with a list, or with an object by package name. */
function namesOf(answer: unknown): string[] {
  const [one] = Object.values(answer as { files: { path: string }[] }[]);
  return one!.files.map(({ path }) => path);
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
