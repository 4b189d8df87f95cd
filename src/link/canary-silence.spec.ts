import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canarySilence, type CanaryFacts } from './canary-silence.js';

const AWAY: CanaryFacts = { topic: 'gateway/canary', protocol: '5', awayMs: 61_000 };

const CASES: [name: string, facts: Partial<CanaryFacts>, confidence: string, evidence: RegExp, mend: RegExp][] = [
  [
    'it may not be published',
    { answer: 0x87 },
    'certain',
    /PUBLISH to gateway\/canary was refused.*0x87/,
    /user publish/,
  ],
  ['the broker hangs up on it', { hangUps: 2 }, 'likely', /hung up 2 times/, /user publish/],
  ['it may not be subscribed to', { answer: 0, denied: 0x80 }, 'certain', /SUBSCRIBE .* 0x80/, /user subscribe/],
  ['it was hung up on', { answer: 0, denied: null }, 'likely', /hung up .* SUBSCRIBE/, /user subscribe/],
  ['it is withheld', { answer: 0 }, 'likely', /was taken, and did not come back for 61 s/, /grant a filter/],
  ['no subscriber matched', { answer: 0x10 }, 'likely', /PUBACK reason code 0x10/, /grant a filter/],
  ['withheld or denied', { answer: 0, protocol: '3.1.1' }, 'likely', /no word for a PUBLISH/, /grant a filter/],
  ['it is not answered', {}, 'guess', /was not answered for 61 s/, /overloaded/],
];

describe('a silent canary', () => {
  for (const [name, facts, confidence, evidence, mend] of CASES) {
    it(`${name}: ${confidence}`, () => {
      const found = canarySilence({ ...AWAY, ...facts });
      assert.deepEqual([found.cause, found.confidence], ['canary-silent', confidence]);
      assert.match(found.evidence.join(), evidence);
      assert.match(found.mend, mend);
    });
  }
});
