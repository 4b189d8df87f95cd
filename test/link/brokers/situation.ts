import type { Cause } from '../../../src/domain/cause.js';
import type { Finding, Scene } from './scene.js';

/** Something that goes wrong with a link, made to happen for real. */
export interface Situation {
  name: string;
  /** What it ought to be called. */
  cause: Cause;
  /** @returns undefined when this broker has no such thing */
  play(scene: Scene): Promise<Finding | undefined>;
}
