import type { GatewayConfig } from './gateway.config.js';
import type { Report } from './problem.js';
import { sizeBytes } from './quantity.js';
import { outboxSettings } from './resolve.js';

/** Of a result, about. */
const RESULT_BYTES = 200;
const SHARE_MAX = 3 / 4;

/** What publishes may take must leave room for what comes in: acknowledgements would wait for it. */
export function checkOutbox(config: GatewayConfig, report: Report): void {
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
