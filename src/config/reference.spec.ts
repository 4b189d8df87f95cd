import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BROKER, directory, load, problemsOf, settingsOf, told, write } from './config.fixture.js';
import { substitute } from './reference.js';

const SECRET = 'hunter2-hunter2-hunter2';

function text(value: string, environment: NodeJS.ProcessEnv = {}): string {
  const { text, flaws } = substitute(value, { environment, directory, files: new Set() });
  assert.deepEqual(flaws, []);
  return text;
}

function flaw(value: string, environment: NodeJS.ProcessEnv = {}): string {
  const { flaws } = substitute(value, { environment, directory, files: new Set() });
  assert.equal(flaws.length, 1, value);
  assert.match(flaws[0]!.mend, /^\S/);
  return flaws[0]!.message;
}

describe('references', () => {
  it('a variable that is not set, and has no default, is a problem', () => {
    assert.equal(flaw('${NAME}'), 'the environment variable NAME is not set');
    assert.equal(substitute('${A} ${B}', { environment: {}, directory, files: new Set() }).flaws.length, 2);
  });

  it('names that every object inherits are not variables that are set', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      assert.equal(flaw(`\${${name}}`, process.env), `the environment variable ${name} is not set`);
      assert.equal(text(`\${${name}:-default}`, process.env), 'default');
    }
  });

  it('what is not written as a reference should be is a problem, not text', () => {
    for (const value of ['${', '${NAME', '${}', '${1A}', '${A-b}', '${A:b}', '${ A }', '${file:}', '${file:/a']) {
      assert.match(flaw(value, { NAME: 'x' }), /reference/, value);
    }
  });

  it('a file that is missing, too large, or no text is a problem that names it', () => {
    write('large', 'x'.repeat(65_537));
    write('binary', Uint8Array.of(0xff));
    assert.equal(flaw('${file:nowhere}'), 'the file "nowhere" does not exist');
    assert.equal(flaw('${file:.}'), 'the file "." is not a regular file');
    assert.equal(flaw('${file:large}'), 'the file "large" is larger than 65536 bytes');
    assert.equal(flaw('${file:binary}'), 'the file "binary" is not UTF-8 text');
  });

  it('values come from the environment, a default, or a file without its last line feed', () => {
    const token = write('secrets/token', `${SECRET}\n`);
    write('two', 'a\n\n');
    assert.equal(text('${NAME}', { NAME: 'x' }), 'x');
    assert.equal(text('${NAME}', { NAME: '' }), '');
    assert.equal(text('${NAME:-d}', { NAME: 'x' }), 'x');
    assert.equal(text('${NAME:-d}'), 'd');
    assert.equal(text('${NAME:-d}', { NAME: '' }), 'd');
    assert.equal(text('${NAME:-}'), '');
    assert.equal(text('a${A}b${B:-:-}c', { A: '1' }), 'a1b:-c');
    assert.equal(text(`Bearer \${file:${token}}`), `Bearer ${SECRET}`);
    assert.equal(text('${file:secrets/token}'), SECRET);
    assert.equal(text('${file:two}'), 'a\n');
  });

  it('$${ is a literal ${, and what a reference yields is not looked at again', () => {
    assert.equal(text('$${NAME}', { NAME: 'x' }), '${NAME}');
    assert.equal(text('$$${NAME}', { NAME: 'x' }), '$${NAME}');
    assert.equal(text('${A}', { A: '${B} $${' }), '${B} $${');
    assert.equal(text('$NAME $ {A}', { NAME: 'x' }), '$NAME $ {A}');
  });
});

describe('references in the file', () => {
  it('what they yield is text: it cannot add keys or items, and is never read as YAML', () => {
    const environment = { ID: 'a, adopt: true', ALLOW: '[a, b]' };
    const { session, publish } = settingsOf(
      `${BROKER}session: { clientId: "\${ID}" }\npublish: { allow: ["\${ALLOW}"] }`,
      environment,
    );
    assert.deepEqual([session.clientId, session.adopt, publish.allow], ['a, adopt: true', false, ['[a, b]']]);
    assert.deepEqual(told(`${BROKER}publish: { allow: "\${ALLOW}" }`, environment), [
      '2 publish.allow: must be a list',
    ]);
  });

  it('a value that is exactly one reference may be a number, a flag, a word or a duration', () => {
    const environment = { PORT: '81', FLAG: 'true', AUTH: 'none', WAIT: '2s', QOS: '2' };
    const { http, session, publish, subscriptions } = settingsOf(
      `${BROKER}http: { port: "\${PORT}", auth: "\${AUTH}" }
session: { adopt: "\${FLAG}", receiveMaximum: "\${NONE:-9}" }
publish:
  wait: \${WAIT}
subscriptions: [{ filter: a, qos: "\${QOS}" }]
`,
      environment,
    );
    assert.deepEqual([http.port, http.auth, session.adopt, session.receiveMaximum], [81, 'none', true, 9]);
    assert.deepEqual([publish.waitMs, subscriptions[0]!.qos], [2_000, 2]);
    assert.equal(told(`${BROKER}http: { port: "8\${PORT}" }`, environment).length, 1);
    assert.equal(told(`${BROKER}http: { port: "\${PORT}" }`, { PORT: '08' }).length, 1);
  });

  it('keys are never replaced', () => {
    assert.deepEqual(told(`${BROKER}"\${KEY}": {}`, { KEY: 'log' }), ['2 ["${KEY}"]: unknown key']);
  });

  it('no secret is in a problem or a warning, whatever is wrong with it', () => {
    write('secret', SECRET);
    const text = `broker:
  url: mqtt://user:${SECRET}@broker
  password: [ "${SECRET}" ]
  wsHeaders: { authorization: "\${SECRET}\\n" }
session: { keepalive: "\${SECRET}", adopt: "\${SECRET}", receiveMaximum: ${SECRET}, expiry: "\${file:secret}" }
subscriptions: [{ filter: "\${SECRET}#", contract: "\${SECRET}", qos: "\${SECRET}" }, { filter: "\${SECRET}/#" }, { filter: "\${SECRET}/+" }]
contracts: { a: { schema: "\${SECRET}", class: "\${SECRET}" } }
subscribers:
  - { id: "\${SECRET}!", url: "http://a:\${SECRET}@b", topics: ["\${SECRET}"], signing: { secrets: ["${SECRET}"] } }
  - { id: a, url: "\${SECRET}", topics: "\${SECRET}", startFrom: "\${SECRET}", headers: { a: "\${SECRET}\\u0001" } }
publish: { maxPayload: "\${file:secret}" }
http: { host: "\${SECRET}", auth: { tokens: [{ name: a, token: "${SECRET} ", scopes: ["\${SECRET}"] }] } }
log: "\${SECRET}"
`;
    const loaded = load(text, { SECRET });
    assert.ok('problems' in loaded && loaded.problems.length >= 20);
    const { problems, warnings } = loaded; // `files` says where a file was looked for, and is shown to nobody
    assert.doesNotMatch(JSON.stringify({ problems, warnings }), /hunter2/);
  });

  it('an empty client id, user name or password is one that is not there', () => {
    const { broker, session } = settingsOf(
      'broker: { url: mqtt://localhost, username: "${U:-}", password: "${P:-}" }\nsession: { clientId: "${ID:-}" }',
    );
    assert.deepEqual([broker.username, broker.password, session.clientId], [undefined, undefined, '']);
    assert.equal(problemsOf('broker: { url: "${URL:-}" }')[0]!.message, 'must not be empty');
  });
});
