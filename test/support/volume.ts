import { writeAtomically } from './kubelet/atomic-writer.js';
import { scratchDirectory } from './scratch.js';

/** A folder mounted as the kubelet does: what is read are links through `..data`, which is replaced at once. */
export class Volume {
  constructor(readonly directory = scratchDirectory('volume')) {}

  /** In place of all that was there. */
  put(files: { [name: string]: string }): void {
    writeAtomically(
      this.directory,
      new Map(Object.entries(files).map(([name, data]) => [name, { data, mode: 0o644 }])),
    );
  }
}
