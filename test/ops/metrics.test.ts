/** What Prometheus' own linter says of the metrics. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { promtool } from './promtool.js';
import { scrape } from './scrape.js';

describe('promtool check metrics', { skip: needs('promtool') }, () => {
  it('finds what is wrong', () => {
    const misnamed = '# HELP a_total A gauge.\n# TYPE a_total gauge\na_total 1\n';
    const { code, said } = promtool(['check', 'metrics'], misnamed);
    assert.notEqual(code, 0);
    assert.match(said, /a_total/);
  });

  for (const [subscribers, whose] of [
    [1, 'with a contract and a subscriber'],
    [0, 'without subscribers'],
    [51, 'with so many subscribers that the histograms lose their label'],
  ] as const) {
    it(`finds nothing, ${whose}`, async (t) => {
      const text = await scrape(t, subscribers);
      for (const line of [/^# TYPE holdfast_attempt_seconds histogram$/m, /^holdfast_journal_max_bytes [1-9]/m]) {
        assert.ok(line.test(text), line.source);
      }
      assert.deepEqual(promtool(['check', 'metrics'], text), { code: 0, said: '' });
    });
  }
});
