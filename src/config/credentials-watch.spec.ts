import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import type { Credentials } from '../domain/settings.js';
import { load, write } from './config.fixture.js';
import { CredentialsWatch } from './credentials-watch.js';

const CONFIG = `broker:
  url: wss://broker
  username: \${USER_NAME}
  password: "\${file:secret/password}"
  tls: { caFile: secret/ca.pem }
  wsHeaders: { authorization: "Bearer \${file:secret/token}" }
subscribers:
  - id: billing
    url: http://localhost
    topics: [a]
    headers: { authorization: "\${file:secret/webhook}" }
`;
const PEM = `${rootCertificates[0]}\n`;

interface Seen {
  watch: CredentialsWatch;
  changed: { credentials: Credentials; keys: string[] }[];
  refused: string[];
  files: readonly string[];
}

/** A watch that has looked once, at files that are as they were when they were loaded. */
async function started(): Promise<Seen> {
  write('secret/password', 'first\n');
  write('secret/ca.pem', PEM);
  write('secret/token', 'token');
  write('secret/webhook', 'webhook');
  const loaded = load(CONFIG, { USER_NAME: 'gateway' });
  assert.ok('settings' in loaded);
  const seen: Omit<Seen, 'watch'> = { changed: [], refused: [], files: loaded.secrets.files };
  const watch = new CredentialsWatch(loaded.secrets, loaded.settings.broker, {
    changed: (credentials, keys) => void seen.changed.push({ credentials, keys }),
    refused: (problems) => seen.refused.push(...problems.map(({ path, message }) => `${path} ${message}`)),
  });
  await watch.look();
  assert.deepEqual([seen.changed, seen.refused], [[], []]);
  return { watch, ...seen };
}

describe('credentials watch', () => {
  it('what cannot be used changes nothing and is told without a value; once it can be used it is', async () => {
    const { watch, changed, refused } = await started();
    rmSync(write('secret/password', ''));
    await watch.look();
    assert.deepEqual(refused.splice(0), ['broker.password the file "secret/password" does not exist']);
    write('secret/password', '');
    await watch.look();
    assert.deepEqual(refused.splice(0), ['broker.password is empty now']);
    write('secret/ca.pem', 'half a certif');
    write('secret/password', 'second');
    await watch.look();
    assert.deepEqual(refused.splice(0), ['broker.tls.caFile names a file that is not a PEM file of its kind']);
    assert.equal(changed.length, 0);
    write('secret/ca.pem', `${PEM}other`);
    await watch.look();
    assert.deepEqual(changed[0]!.keys, ['password', 'tls']);
    assert.deepEqual(changed[0]!.credentials, {
      username: 'gateway',
      password: 'second',
      tls: { ca: `${PEM}other`, cert: undefined, key: undefined, serverName: undefined },
      wsHeaders: { authorization: 'Bearer token' },
    });
  });

  it('each change is told once, with what changed; other secrets and other faults are none of its business', async () => {
    const { watch, changed, refused, files } = await started();
    assert.deepEqual(
      files.map((file) => file.split('/').at(-1)),
      ['password', 'token', 'webhook', 'ca.pem'],
    );
    write('secret/webhook', Uint8Array.of(0xff));
    await watch.look();
    write('secret/password', 'first');
    await watch.look();
    assert.deepEqual([changed.length, refused], [0, []]);
    write('secret/token', 'other');
    await watch.look();
    await watch.look();
    assert.deepEqual(
      changed.map(({ keys }) => keys),
      [['wsHeaders']],
    );
    assert.deepEqual(changed[0]!.credentials.wsHeaders, { authorization: 'Bearer other' });
  });
});
