import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REST, SHELL } from './examination.js';
import { judgeCanary, judgeJournal } from './health.js';

const URL = 'http://127.0.0.1:9090/readyz?verbose';

describe('doctor: the journal of the running gateway', () => {
  it('one with room is ok', () => {
    const { state, seen } = judgeJournal(
      '[+] started: yes\n[+] journal has room: open\n[+] journal thread: 0.0 s late\nreadyz ok\n',
      URL,
    );
    assert.deepEqual([state, seen], ['ok', 'journal has room: open; journal thread: 0.0 s late']);
  });

  it('a full one fails, with why and what to do', () => {
    const text =
      '[-] journal has room: full: journal.maxSize of 100 bytes is reached\n[+] journal thread: 0.0 s late\n';
    const { state, seen, mend } = judgeJournal(text, URL);
    assert.equal(state, 'failed');
    assert.match(seen, /^the journal is full: journal\.maxSize of 100 bytes is reached; messages wait/);
    assert.match(mend, /journal\.maxSize/);
  });

  it('one that stands still fails', () => {
    const { state, seen, mend } = judgeJournal('[+] journal has room: open\n[-] journal thread: 700.0 s late\n', URL);
    assert.deepEqual([state, mend.includes('disk')], ['failed', true]);
    assert.match(seen, /700\.0 s late/);
  });

  it('another program at the port is a warning', () => {
    assert.equal(judgeJournal('<html>', URL).state, 'warning');
  });
});

describe('doctor: the canary of the running gateway', () => {
  it('a silent one fails, with its evidence and mend', () => {
    const diagnosis = {
      cause: 'canary-silent',
      confidence: 'certain',
      evidence: ['refused: 0x87'],
      mend: 'Let it.',
    } as const;
    const canary = { silent: true, seconds: 70, diagnosis: { ...diagnosis, evidence: ['refused: 0x87'] } };
    const verdict = judgeCanary({ state: 'up', canary }, SHELL);
    assert.deepEqual(verdict, { state: 'failed', seen: 'it does not come back: refused: 0x87', mend: 'Let it.' });
  });

  it('one that comes back is ok, one that is not there or not back yet is skipped', () => {
    assert.match(
      judgeCanary({ state: 'up', canary: { silent: false, seconds: 0.012 } }, SHELL).seen,
      /back after 12 ms/,
    );
    assert.equal(judgeCanary({ state: 'up', canary: { silent: false, seconds: 0 } }, SHELL).state, 'skipped');
    assert.match(judgeCanary({ state: 'up' }, SHELL).mend, /session\.canary\.topic/);
  });

  it('names options of the command line only to whoever is at one', () => {
    assert.match(judgeCanary({ state: 'up' }, SHELL).seen, /shows to --probe-topic alone$/);
    assert.match(judgeCanary({ state: 'up' }, REST).seen, /shows to a probe topic alone$/);
  });
});
