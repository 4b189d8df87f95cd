import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Finding, Status } from './types.js';
import { verdict } from './verdict.js';

const finding = (severity: Finding['severity'], since?: string): Finding => ({
  id: 'link-down',
  severity,
  what: 'The link is down.',
  since,
  why: '',
  mend: '',
  panel: 'link',
});
const status = (...findings: Finding[]): Status => ({ findings }) as unknown as Status;

describe('the verdict', () => {
  it('is never good when nothing is known, or nothing is heard', () => {
    assert.equal(verdict(undefined, true).level, 'unknown');
    assert.equal(verdict(status(), false).level, 'unknown');
    assert.equal(verdict(status(finding('critical')), false).level, 'unknown');
  });

  it('is good when there is nothing to tell', () => {
    assert.equal(verdict(status(), true).word, 'All is well');
  });

  it('is of the worst, and since that began, whatever began before', () => {
    const all = status(
      finding('critical', '2026-11-26T07:50:00.000Z'),
      finding('critical', '2026-11-26T07:40:00.000Z'),
      finding('info', '2026-11-26T06:00:00.000Z'),
    );
    assert.deepEqual(verdict(all, true), {
      level: 'critical',
      word: 'Critical',
      text: 'The link is down. 2 more findings.',
      since: '2026-11-26T07:50:00.000Z',
    });
    assert.equal(verdict(status(finding('warning')), true).since, undefined);
  });
});
