import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Summary } from './summary.js';

const METRICS = `# HELP holdfast_link_up 1 while the broker is connected.
# TYPE holdfast_link_up gauge
holdfast_link_up 1
holdfast_messages_received_total{qos="0"} 1
holdfast_messages_received_total{qos="1"} 41
holdfast_rejections_total{contract="telemetry",reason="syntax"} 2
holdfast_rejections_total{contract="telemetry",reason="class"} 3
holdfast_attempts_total{subscriber="billing",outcome="delivered"} 30
holdfast_attempts_total{subscriber="audit",outcome="delivered"} 20
holdfast_attempts_total{subscriber="audit",outcome="retry"} 4
holdfast_attempts_total{subscriber="audit",outcome="throttled"} 5
holdfast_subscriber_lag_records{subscriber="billing"} 6
holdfast_subscriber_lag_records{subscriber="audit"} 7
holdfast_subscriber_state{subscriber="audit",state="active"} 0
holdfast_subscriber_state{subscriber="audit",state="broken"} 1
`;

/** The cells of each line that is written for these metrics, without the time. */
function rows(...texts: string[]): string[][] {
  const written: string[] = [];
  const summary = new Summary((text) => written.push(text));
  for (const text of texts) summary.line(text);
  return written.map((line) => line.trim().split(/\s+/).slice(1));
}

describe('the summary of the demo', () => {
  it('a gateway that says nothing yet is down, with nothing counted', () => {
    assert.deepEqual(rows('')[1], ['down', '0', '0', '0', '0', '0', '0', '0', '?']);
  });

  it('a line is what the metrics say, summed over the labels it does not show', () => {
    assert.deepEqual(rows(METRICS)[1], ['up', '42', '5', '30', '6', '20', '9', '7', 'broken']);
  });

  it('the titles come first, and again after fifteen lines', () => {
    const titles = ['link', 'received', 'rejected', 'billing', 'lag', 'audit', 'retries', 'lag', 'state'];
    const found = rows(...Array<string>(31).fill(METRICS)).flatMap((row, i) => (row[0] === 'link' ? [i] : []));
    assert.deepEqual(rows('')[0], titles);
    assert.deepEqual(found, [0, 16, 32]);
  });

  it('an event is a line of its own, with its time', () => {
    const written: string[] = [];
    new Summary((text) => written.push(text)).event('the audit app works again');
    assert.equal(written.length, 1);
    assert.match(written[0]!, /^\d\d:\d\d:\d\d {2}\* the audit app works again\n$/);
  });
});
