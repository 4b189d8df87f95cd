/** A gateway that starts on a disk without room. */
import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gatewayConfig } from '../support/gateway-config.js';
import { startGateway } from '../support/gateway-process.js';
import { needs } from '../support/needs.js';
import { mountTmpfs } from '../support/tmpfs.js';
import { until } from '../support/until.js';

describe('starting on a full disk', { skip: needs('tmpfs') }, () => {
  it('says that it is full: not ready, and why', async () => {
    const place = mountTmpfs(8 << 20);
    const config = await gatewayConfig({ journal: { directory: place.directory, maxSize: '64MiB' } });
    const before = await startGateway(config);
    await before.stop();
    const hog = openSync(join(place.directory, 'hog'), 'w');
    assert.throws(() => {
      for (;;) writeSync(hog, Buffer.alloc(4_096));
    });
    closeSync(hog);
    const gateway = await startGateway(config);
    const full = async (): Promise<boolean> => /journal has room: full/.test((await gateway.ops('/readyz')).text);
    await until(full, { what: () => `readyz to say so\n${gateway.report}` });
    assert.ok(gateway.logs.some(({ reason }) => reason === 'the disk is full'));
    await gateway.kill();
    place.unmount();
  });
});
