/** A folder mounted as the kubelet does: what is read are links through `..data`, which is replaced at once. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from './scratch.js';

export class Volume {
  readonly directory = scratchDirectory('volume');
  #version = 0;

  /** All files there are from now on; their names are those of the first time. */
  put(files: { [name: string]: string }): void {
    const version = `..${++this.#version}`;
    mkdirSync(join(this.directory, version));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(this.directory, version, name), text);
      if (this.#version === 1) symlinkSync(join('..data', name), join(this.directory, name));
    }
    symlinkSync(version, join(this.directory, '..data_tmp'));
    renameSync(join(this.directory, '..data_tmp'), join(this.directory, '..data'));
    if (this.#version > 1) rmSync(join(this.directory, `..${this.#version - 1}`), { recursive: true });
  }
}
