import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Mount {
  /** A directory or file of the host. */
  source: string;
  /** In the container. */
  path: string;
  readOnly: boolean;
}

/** What of Debian the host lends. */
const FOLDERS = ['bin', 'sbin', 'lib', 'lib64'];
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom'];

/**
 * The lines of a shell that make a container's files, in namespaces of its own: the image under a layer that takes
 * what is written (`upper` in `directory`), Node and Debian's programs and libraries from the host, a few devices,
 * and the volumes; what must not be written to is mounted so.
 */
export function mountRoot(
  directory: string,
  { hostname, image, mounts, readOnly }: { hostname: string; image: string; mounts: Mount[]; readOnly: boolean },
): { root: string; lines: string[] } {
  const [root, upper, work, base] = ['root', 'upper', 'work', 'base'].map((name) => join(directory, name)) as [
    ...[string, string, string, string],
  ];
  for (const folder of [root, upper, work]) mkdirSync(folder, { mode: 0o755 });
  makeBase(base);
  const at = (path: string): string => quote([join(root, path)]);
  const layers = `lowerdir=${image}:${base},upperdir=${upper},workdir=${work}`;
  const lines = [
    'set -e',
    `hostname ${quote([hostname])}`,
    `mount -t overlay -o ${quote([layers, 'overlay', root])}`,
    ...FOLDERS.map((name) => `[ ! -e /usr/${name} ] || mount --bind /usr/${name} ${at(`usr/${name}`)}`),
    `mount --bind ${quote([process.execPath])} ${at('usr/local/bin/node')}`,
    `mount -t proc -o nosuid,nodev,noexec proc ${at('proc')}`,
    `mount -t tmpfs -o mode=755 tmpfs ${at('dev')}`,
    ...DEVICES.map((name) => `: > ${at(`dev/${name}`)}; mount --bind /dev/${name} ${at(`dev/${name}`)}`),
    `ln -s /proc/self/fd ${at('dev/fd')}`,
    ...mounts.flatMap(({ source, path, readOnly: fixed }) => [
      `if [ -d ${quote([source])} ]; then mkdir -p ${at(path)}; else mkdir -p ${at(dirname(path))}; : > ${at(path)}; fi`,
      `mount --bind ${quote([source])} ${at(path)}`,
      ...(fixed ? [`mount -o remount,bind,ro ${at(path)}`] : []),
    ]),
    ...(readOnly ? [`mount -o remount,ro ${quote([root])}`] : []),
    `for folder in ${FOLDERS.map((name) => at(`usr/${name}`)).join(' ')}; do mount -o remount,bind,ro $folder; done`,
  ];
  return { root, lines };
}

/** For a shell. */
export function quote(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
}

/** What every image of Debian has, below the image's own. */
function makeBase(base: string): void {
  for (const name of ['proc', 'dev', 'sys', 'etc', 'usr/local/bin', ...FOLDERS.map((folder) => `usr/${folder}`)]) {
    mkdirSync(join(base, name), { recursive: true, mode: 0o755 });
  }
  mkdirSync(join(base, 'tmp'));
  chmodSync(join(base, 'tmp'), 0o1777);
  for (const name of FOLDERS) symlinkSync(`usr/${name}`, join(base, name));
  writeFileSync(join(base, 'usr/local/bin/node'), '');
  writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nnode:x:1000:1000::/:/bin/sh\n');
  writeFileSync(join(base, 'etc/group'), 'root:x:0:\nnode:x:1000:\n');
}
