import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DETAIL_LENGTH_MAX, DetailText } from './detail.js';
import { SECRET, settingsOf } from './sending.fixture.js';

const TOKEN = 'tok-31415926535';
const detail = new DetailText(
  settingsOf('http://user:p%40ss@127.0.0.1/events?key=query%2Fsecret&plain=another', {
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'x-basic': `Basic ${Buffer.from('me:basic-pass').toString('base64')}`,
    },
    signing: { secrets: [SECRET] },
  }),
);

describe('the detail of an answer', () => {
  it('never holds the credentials that make the authorization header', () => {
    const bearer = new DetailText(settingsOf('http://127.0.0.1/', { auth: { bearer: TOKEN } }));
    const basic = { username: 'holdfast', password: 'p"ss/w0rd' };
    const password = new DetailText(settingsOf('http://127.0.0.1/', { auth: { basic } }));
    assert.equal(bearer.of(`authorization: Bearer ${TOKEN}`), 'authorization: Bearer [redacted]');
    const encoded = Buffer.from('holdfast:p"ss/w0rd').toString('base64');
    assert.equal(password.of(`Basic ${encoded}, ${JSON.stringify(basic.password)}`), 'Basic [redacted], "[redacted]"');
  });

  it('never holds a configured secret that the answer echoes', () => {
    const secrets = [
      TOKEN,
      'p%40ss',
      'p@ss',
      'query%2Fsecret',
      'query/secret',
      'another',
      'basic-pass',
      SECRET,
      SECRET.slice(6),
    ];
    for (const secret of secrets) {
      assert.equal(detail.of(`you sent ${secret}!`), 'you sent [redacted]!', secret);
      assert.ok(!detail.ofBody(Buffer.from(`<${secret}${secret}>`), false).includes(secret), secret);
    }
  });

  it('never holds a part of a secret at the place where it is cut', () => {
    for (let before = DETAIL_LENGTH_MAX - 200; before < DETAIL_LENGTH_MAX + 200; before++) {
      const body = Buffer.from('.'.repeat(before) + TOKEN + '.'.repeat(5_000));
      const text = detail.ofBody(body.subarray(0, detail.keptBytesMax), true);
      assert.ok(!text.includes(TOKEN.slice(0, 4)), `${before}: ${text.slice(-40)}`);
    }
  });

  it('a body full of secrets shows no part of one at its end', () => {
    const body = Buffer.from(TOKEN.repeat(2_000)).subarray(0, detail.keptBytesMax);
    assert.match(detail.ofBody(body, true), /^(\[redacted\])*[[redacted]*$/);
  });

  it('is printable and bounded, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_096 }), fc.boolean(), (bytes, cut) => {
        const text = detail.ofBody(Buffer.from(bytes), cut);
        assert.ok(text.length <= DETAIL_LENGTH_MAX);
        assert.doesNotMatch(text, /[\p{Cc}\p{Cs}\p{Cf}]/u);
      }),
    );
  });

  it('shows line ends and terminal escapes as text', () => {
    assert.equal(detail.of('one\r\ntwo\t\u001b[31mred\u202e'), 'one\\r\\ntwo\\t\\u{1b}[31mred\\u{202e}');
  });

  it('keeps the first 2 KiB', () => {
    const bare = new DetailText(settingsOf('http://127.0.0.1/'));
    assert.equal(bare.keptBytesMax, DETAIL_LENGTH_MAX);
    assert.equal(bare.ofBody(Buffer.alloc(2_048, 'x'), true), 'x'.repeat(2_048));
  });
});
