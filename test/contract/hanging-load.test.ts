/** A class module that never ends loading: whoever loads contracts is told of it, and waits for ten seconds at most. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { GATEWAY_MAIN } from '../support/gateway-process.js';
import { scratchDirectory } from '../support/scratch.js';

const ENDS_WITHIN_MS = 60_000;

describe('a contract that hangs while it is loaded', () => {
  for (const command of ['check', 'start']) {
    it(`ends holdfast ${command} with a problem that names it`, async () => {
      const directory = scratchDirectory('hanging');
      writeFileSync(join(directory, 'hangs.mjs'), 'for (;;);\nexport class A {}\n');
      writeFileSync(join(directory, 'fine.schema.json'), '{}');
      const file = join(directory, 'gateway.yaml');
      writeFileSync(
        file,
        `broker: { url: mqtt://127.0.0.1:1 }
session: { clientId: hanging }
journal: { directory: ./data }
http: { port: 0 }
ops: { host: 127.0.0.1, port: 0 }
contracts:
  fine: { schema: fine.schema.json }
  hangs:
    class: hangs.mjs#A
`,
      );
      const asked = spawn(process.execPath, [GATEWAY_MAIN, command, '--config', file], { timeout: ENDS_WITHIN_MS });
      const [out, err, code] = await Promise.all([
        text(asked.stdout),
        text(asked.stderr),
        new Promise((resolve) => asked.on('exit', resolve)),
      ]);
      assert.equal(code, 2, out + err);
      if (command === 'check')
        assert.match(err, /:9:12 {2}contracts\.hangs\.class {2}cannot be loaded: it stood still/);
      else assert.match(out, /contract \\"hangs\\": cannot be loaded: it stood still for 10000 ms/);
    });
  }
});
