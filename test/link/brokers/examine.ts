import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { needs } from '../../support/needs.js';
import { DROPS } from './drops.js';
import { exceptionOf } from './expectations.js';
import type { Ground, Protocol, Site } from './ground.js';
import { OPERATIONS } from './operations.js';
import { REFUSALS } from './refusals.js';
import { Scene, type Finding } from './scene.js';
import type { Situation } from './situation.js';

export const SITUATIONS: Situation[] = [...REFUSALS, ...DROPS, ...OPERATIONS];

export interface Cell {
  ground: Ground;
  protocol: Protocol;
  situation: Situation;
  /** Undefined: this broker has no such thing. */
  finding: Finding | undefined;
}

/** A test for each situation at one broker, which all have a gateway of their own and the broker in common. */
export function examine(
  ground: Ground,
  protocol: Protocol,
  situations: Situation[],
  seen: (cell: Cell) => void = () => undefined,
): void {
  describe(`${ground.name}, MQTT ${protocol}`, { skip: needs(...ground.needs), concurrency: false }, () => {
    let site: Site;
    before(async () => {
      site = await ground.start();
    });
    after(() => site?.end());
    for (const [number, situation] of situations.entries()) {
      const exception = exceptionOf(ground.name, protocol, situation);
      const cause = exception ? exception.cause : situation.cause;
      it(`${situation.name}: ${cause ?? 'cannot be noticed'}`, async (t) => {
        const scene = new Scene(site, protocol, `${protocol}-${number}`);
        t.after(() => scene.end());
        const finding = await situation.play(scene);
        seen({ ground, protocol, situation, finding });
        if (finding) assert.equal(finding.cause, cause, `${finding.happened}\n${site.log().slice(-2_000)}`);
      });
    }
  });
}
