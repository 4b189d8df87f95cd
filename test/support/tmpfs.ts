import { execFileSync, spawnSync } from 'node:child_process';
import { atExit } from './children.js';
import { scratchDirectory } from './scratch.js';

export interface Tmpfs {
  directory: string;
  /** Gives the file system another size while it is in use. */
  resize(sizeBytes: number): void;
  unmount(): void;
}

/** A small file system of its own, to be filled. Tests that call it say `skip: needs('tmpfs')`. */
export function mountTmpfs(sizeBytes: number): Tmpfs {
  const directory = scratchDirectory('tmpfs');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', directory]);
  // Lazily, because whoever filled it may still hold a file open.
  const forget = atExit(() => spawnSync('umount', ['-l', directory], { stdio: 'ignore' }));
  return {
    directory,
    resize: (bytes) => void execFileSync('mount', ['-o', `remount,size=${bytes}`, directory]),
    unmount: () => {
      forget();
      execFileSync('umount', ['-l', directory]);
    },
  };
}
