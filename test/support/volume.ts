/** A folder mounted as the kubelet does: what is read are links through `..data`, which is replaced at once. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from './scratch.js';

export class Volume {
  #version = 0;
  readonly #linked = new Set<string>();

  constructor(readonly directory = scratchDirectory('volume')) {}

  /** In place of all that was there. */
  put(files: { [name: string]: string }): void {
    const version = `..${++this.#version}`;
    mkdirSync(join(this.directory, version));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.directory, version, name), text);
    symlinkSync(version, join(this.directory, '..data_tmp'));
    renameSync(join(this.directory, '..data_tmp'), join(this.directory, '..data'));
    for (const name of Object.keys(files)) {
      if (!this.#linked.has(name)) symlinkSync(join('..data', name), join(this.directory, name));
      this.#linked.add(name);
    }
    for (const name of this.#linked) {
      if (name in files) continue;
      rmSync(join(this.directory, name));
      this.#linked.delete(name);
    }
    if (this.#version > 1) rmSync(join(this.directory, `..${this.#version - 1}`), { recursive: true });
  }
}
