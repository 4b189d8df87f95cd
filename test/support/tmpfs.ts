import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
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

/** Takes what is left of the disk, to the last block, as another program would. */
export function fillDisk(file: string): void {
  const descriptor = openSync(file, 'w');
  for (const bytes of [1 << 20, 4_096, 1]) {
    try {
      for (;;) writeSync(descriptor, Buffer.alloc(bytes));
    } catch {
      // That was the last block of this size.
    }
  }
  closeSync(descriptor);
}
