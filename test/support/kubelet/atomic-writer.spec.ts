import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { needs } from '../needs.js';
import { scratchDirectory } from '../scratch.js';
import { writeAtomically, type Payload } from './atomic-writer.js';

const GROUP = 1000;

function payload(files: { [path: string]: string }, mode = 0o644): Payload {
  return new Map(Object.entries(files).map(([path, data]) => [path, { data, mode }]));
}

describe('the kubelet’s atomic writer', () => {
  it('a key is a link through ..data to a directory that is named after the time', () => {
    const directory = scratchDirectory('volume');
    assert.equal(writeAtomically(directory, payload({ 'gateway.yaml': 'one', 'contracts/a.json': 'two' })), true);
    assert.equal(readlinkSync(join(directory, 'gateway.yaml')), '..data/gateway.yaml');
    assert.equal(readlinkSync(join(directory, 'contracts')), '..data/contracts');
    assert.match(readlinkSync(join(directory, '..data')), /^\.\.\d{4}(_\d\d){5}\.\w+$/);
    assert.equal(readFileSync(join(directory, 'contracts/a.json'), 'utf8'), 'two');
    assert.equal(lstatSync(join(directory, '..data')).isSymbolicLink(), true);
  });

  it('an update leaves the links of the keys, moves ..data, and takes away what is gone', () => {
    const directory = scratchDirectory('volume');
    writeAtomically(directory, payload({ a: '1', b: '1' }));
    const inode = lstatSync(join(directory, 'a')).ino;
    const first = readlinkSync(join(directory, '..data'));
    assert.equal(writeAtomically(directory, payload({ a: '2', c: '2' })), true);
    assert.equal(lstatSync(join(directory, 'a')).ino, inode);
    assert.notEqual(readlinkSync(join(directory, '..data')), first);
    assert.equal(existsSync(join(directory, first)), false);
    const names = readdirSync(directory).filter((name) => !name.startsWith('..'));
    assert.deepEqual(names.sort(), ['a', 'c']);
    assert.deepEqual(
      names.map((name) => readFileSync(join(directory, name), 'utf8')),
      ['2', '2'],
    );
    assert.equal(readdirSync(directory).length, 4, 'the links, ..data and one directory');
  });

  it('nothing is touched when nothing has changed', () => {
    const directory = scratchDirectory('volume');
    writeAtomically(directory, payload({ a: '1' }));
    const before = readlinkSync(join(directory, '..data'));
    assert.equal(writeAtomically(directory, payload({ a: '1' })), false);
    assert.equal(readlinkSync(join(directory, '..data')), before);
  });

  it('fsGroup owns the files and may read them, whatever their mode', { skip: needs('namespaces') }, () => {
    const directory = scratchDirectory('volume');
    writeAtomically(directory, payload({ token: 'secret' }, 0o400), GROUP);
    const { mode, gid, uid } = statSync(join(directory, 'token'));
    assert.deepEqual([mode & 0o7777, uid, gid], [0o440, 0, GROUP]);
    assert.equal(statSync(join(directory, '..data/')).mode & 0o7777, 0o2755);
  });
});
