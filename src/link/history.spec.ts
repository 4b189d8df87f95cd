import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cause } from '../domain/cause.js';
import { LINK_DROPS_KEPT, type LinkDrop, type LinkEvent } from '../domain/link.js';
import { SILENT_CLOSE } from './evidence.fixture.js';
import type { Evidence } from './evidence.js';
import { History } from './history.js';

const DROP: Omit<Evidence, 'history'> = {
  ...SILENT_CLOSE,
  protocolVersion: 4,
  keepaliveMs: 30_000,
  sessionPresent: true,
  upMs: 1_000,
  threadDelayMs: 0,
  outstanding: [],
};

const iso = (ms: number): string => new Date(ms).toISOString();

function history() {
  const events: LinkEvent[] = [];
  const judged: Cause[] = [];
  const saved: (readonly LinkDrop[])[] = [];
  const told = new History(
    (event) => void events.push(event),
    (_, cause) => void judged.push(cause),
    (drops) => void saved.push([...drops]),
  );
  const causes = (): string[] =>
    events.map((event) => ('diagnosis' in event ? `${event.kind} ${event.diagnosis.cause}` : event.kind));
  return { told, saved, judged, causes };
}

describe('history', () => {
  it('a drop that the broker explained is told at once', () => {
    const { told, causes } = history();
    told.ended({ ...DROP, code: 0x8b, where: 'disconnect' }, 1);
    assert.deepEqual(causes(), ['down', 'dropped broker-shutdown']);
    told.afterwards({ kind: 'accepted', sessionPresent: true });
    assert.equal(causes().length, 2);
  });

  it('one without a word is told with what the next attempt met', () => {
    const { told, causes, saved } = history();
    assert.equal(told.ended(DROP, 1).cause, 'network');
    assert.deepEqual(causes(), ['down']);
    assert.equal(told.drops[0]!.cause, 'network', 'what is known is shown meanwhile');
    told.ended({ ...DROP, wasUp: false, systemCode: 'ECONNREFUSED' }, 2);
    assert.deepEqual(causes(), ['down', 'dropped broker-shutdown', 'refused broker-unreachable']);
    assert.deepEqual(
      saved.at(-1)!.map(({ cause, at }) => [cause, at]),
      [
        ['broker-unreachable', iso(2)],
        ['broker-shutdown', iso(1)],
      ],
    );
  });

  it('says of an outage when it was over, of each of its entries, and of no other', () => {
    const { told, saved } = history();
    const refused = { ...DROP, wasUp: false, systemCode: 'ECONNREFUSED' };
    told.ended({ ...DROP, code: 0x8b, where: 'disconnect' }, 1);
    told.ended(refused, 2);
    told.back(3);
    assert.deepEqual(
      saved.at(-1)!.map(({ at, backAt }) => [at, backAt]),
      [
        [iso(2), iso(3)],
        [iso(1), iso(3)],
      ],
    );
    const { length } = saved;
    told.back(4);
    assert.equal(saved.length, length);
    told.ended({ ...DROP, code: 0x8b, where: 'disconnect' }, 5);
    assert.deepEqual(
      told.drops.map(({ backAt }) => backAt),
      [undefined, iso(3), iso(3)],
    );
    told.back(6);
    assert.deepEqual(
      told.drops.map(({ backAt }) => backAt),
      [iso(6), iso(3), iso(3)],
    );
  });

  it('refusals of two outages are two entries, also when nothing was up in between but another run', () => {
    const { told } = history();
    const refused = { ...DROP, wasUp: false, systemCode: 'ECONNREFUSED' };
    told.ended(refused, 1);
    told.back(2);
    told.ended(refused, 3);
    assert.deepEqual(
      told.drops.map(({ at, count }) => [at, count]),
      [
        [iso(3), undefined],
        [iso(1), undefined],
      ],
    );
  });

  it('one without a word before a stop is told without it', () => {
    const { told, causes } = history();
    told.ended(DROP, 1);
    told.afterwards();
    told.afterwards();
    assert.deepEqual(causes(), ['down', 'dropped network']);
  });

  it('a connect that was closed without a word between three closes leaves no more than a guess', () => {
    for (const turnedAway of [false, true]) {
      const { told } = history();
      for (const upMs of [900, 2_300, 400]) {
        told.ended({ ...DROP, upMs }, 1);
        if (turnedAway) told.ended({ ...DROP, wasUp: false }, 2);
        told.afterwards({ kind: 'accepted', sessionPresent: true });
      }
      const { cause, confidence } = told.drops.find(({ wasUp }) => wasUp)!;
      assert.deepEqual([cause, confidence], ['client-id-conflict', turnedAway ? 'guess' : 'likely']);
    }
  });

  it('three bare closes in a row are another user of the client id', () => {
    const { told, causes } = history();
    for (const upMs of [900, 2_300, 400]) {
      told.ended({ ...DROP, upMs }, 1);
      told.afterwards({ kind: 'accepted', sessionPresent: true });
    }
    assert.equal(causes().at(-1), 'dropped client-id-conflict');
    assert.equal(told.lastCause, 'client-id-conflict');
  });

  it('after a hold-off, a close without a word by a broker that goes away is its own, and so are the next ones', () => {
    const { told, causes } = history();
    for (const upMs of [900, 2_300, 400]) {
      told.ended({ ...DROP, upMs }, 1);
      told.afterwards({ kind: 'there' });
    }
    assert.equal(told.lastCause, 'client-id-conflict');
    told.ended({ ...DROP, upMs: 50_000 }, 2);
    assert.equal(told.lastCause, 'client-id-conflict', 'what is known is shown meanwhile');
    assert.equal(causes().at(-1), 'down', 'and not told before it is looked at');
    told.afterwards({ kind: 'refused', cause: 'broker-unreachable', confidence: 'certain', orderly: false });
    for (const upMs of [50, 300]) {
      told.ended({ ...DROP, upMs }, 3);
      told.afterwards({ kind: 'accepted', sessionPresent: true });
    }
    assert.deepEqual(
      causes().filter((cause) => cause.startsWith('dropped')),
      ['network', 'network', 'client-id-conflict', 'broker-shutdown', 'network', 'network'].map((c) => `dropped ${c}`),
    );
  });

  it('closes without a word are not counted towards a takeover where a knock found nobody', () => {
    const { told, judged } = history();
    for (const upMs of [900, 2_300, 400, 1_700]) {
      assert.notEqual(told.ended({ ...DROP, upMs }, 1).cause, 'client-id-conflict');
      told.afterwards({ kind: 'refused', cause: 'broker-unreachable', confidence: 'certain', orderly: false });
      told.afterwards({ kind: 'accepted', sessionPresent: true });
    }
    assert.deepEqual(judged, ['broker-shutdown', 'broker-shutdown', 'broker-shutdown', 'broker-shutdown']);
  });

  it('a session that was gone once is a guess, and the next close does not count as a takeover for it', () => {
    const { told, judged } = history();
    told.ended({ ...DROP, upMs: 900 }, 1);
    told.afterwards({ kind: 'accepted', sessionPresent: false });
    told.ended({ ...DROP, upMs: 2_000, sessionPresent: false }, 2);
    told.afterwards({ kind: 'accepted', sessionPresent: true });
    assert.deepEqual(judged, ['client-id-conflict', 'network']);
  });

  it('bare closes of a broker that could not be reached in between are its own', () => {
    const { told, causes } = history();
    for (const upMs of [900, 2_300, 400]) {
      told.ended({ ...DROP, upMs }, 1);
      // As a load balancer does while nothing is behind it.
      told.ended({ ...DROP, wasUp: false, systemCode: 'ECONNRESET' }, 2);
      told.afterwards({ kind: 'accepted', sessionPresent: true });
    }
    assert.ok(!causes().includes('dropped client-id-conflict'), causes().join());
  });

  it('refusals that are alike are one entry of their outage, with a count, also over a restart', () => {
    const { told, saved } = history();
    const refused = (systemCode: string, at: number) => told.ended({ ...DROP, wasUp: false, systemCode }, at);
    told.ended({ ...DROP, ended: 'keepalive' }, 1);
    // Two addresses of a fail-over list, by turns.
    for (let at = 2; at < 2 + 2 * LINK_DROPS_KEPT; at += 2) {
      refused('ECONNREFUSED', at);
      refused('ENOTFOUND', at + 1);
    }
    const restarted = history().told;
    restarted.load(saved.at(-1)!);
    restarted.ended({ ...DROP, wasUp: false, systemCode: 'ECONNREFUSED' }, 1_000);
    assert.deepEqual(
      restarted.drops.map(({ cause, at, wasUp, count, firstAt }) => [cause, at, wasUp, count, firstAt]),
      [
        ['broker-unreachable', iso(1_000), false, LINK_DROPS_KEPT + 1, iso(2)],
        ['dns', iso(1 + 2 * LINK_DROPS_KEPT), false, LINK_DROPS_KEPT, iso(3)],
        ['keepalive-timeout', iso(1), true, undefined, undefined],
      ],
    );
    restarted.ended({ ...DROP, ended: 'keepalive' }, 2_000);
    restarted.ended({ ...DROP, wasUp: false, systemCode: 'ECONNREFUSED' }, 2_001);
    assert.deepEqual(
      restarted.drops.slice(0, 3).map(({ cause, count }) => [cause, count]),
      [
        ['broker-unreachable', undefined],
        ['keepalive-timeout', undefined],
        ['broker-unreachable', LINK_DROPS_KEPT + 1],
      ],
      'the next outage has entries of its own',
    );
  });

  it('what the runs before met is behind what this one met, and all of it is bounded', () => {
    const { told } = history();
    told.ended({ ...DROP, ended: 'keepalive' }, 500);
    told.load(Array.from({ length: LINK_DROPS_KEPT }, (_, i) => ({ ...told.drops[0]!, at: iso(i) })));
    assert.equal(told.drops.length, LINK_DROPS_KEPT);
    assert.deepEqual([told.drops[0]!.at, told.drops[1]!.at], [iso(500), iso(0)]);
  });
});
