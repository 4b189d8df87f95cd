import type { GatewayConfig } from './gateway.config.js';
import type { Report } from './problem.js';
import { durationMs, sizeBytes } from './quantity.js';
import { outboxSettings } from './resolve.js';

/** Of a result, about. */
const RESULT_BYTES = 200;
const SHARE_MAX = 3 / 4;

/** What publishes may take must leave room for what comes in: acknowledgements would wait for it. */
export function checkOutbox(config: GatewayConfig, report: Report): void {
  checkRequests(config, report);
  checkBatches(config, report);
  if (!report.clean(['journal', 'maxSize']) || !report.clean(['publish', 'outbox'])) return;
  const { bytesMax, keyBytesMax, resultsMax } = outboxSettings(config);
  const share = bytesMax + keyBytesMax + resultsMax * RESULT_BYTES;
  if (share <= SHARE_MAX * sizeBytes(config.journal.maxSize)!) return;
  report.problem(
    ['publish', 'outbox'],
    'leaves less than a quarter of journal.maxSize for messages that come in',
    'Raise journal.maxSize, or lower maxBytes, maxKeyBytes or maxResults (about 200 bytes each).',
  );
}

/** The default, too, is cut to it, and nobody need be told. */
function checkBatches({ publish: { maxBatch, outbox } }: GatewayConfig, report: Report): void {
  const path = ['publish', 'maxBatch'];
  if (!report.given(path) || !report.clean(path) || !report.clean(['publish', 'outbox', 'maxRecords'])) return;
  if (maxBatch <= outbox.maxRecords) return;
  const message = 'is more than publish.outbox.maxRecords, and no batch may have more than that';
  report.warning(path, message, 'Lower it, or raise publish.outbox.maxRecords.');
}

function checkRequests({ publish: { request } }: GatewayConfig, report: Report): void {
  const path = ['publish', 'request', 'maxTimeout'];
  if (!report.clean(path) || !report.clean(['publish', 'request', 'timeout'])) return;
  if (durationMs(request.timeout)! <= durationMs(request.maxTimeout)!) return;
  report.problem(path, 'is shorter than timeout', 'Raise maxTimeout or lower timeout.');
}
