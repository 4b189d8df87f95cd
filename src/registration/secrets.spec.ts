import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkedWith, MASK, maskedBody, unmaskedBody, type Body } from './secrets.js';
import { invalid } from '../domain/request-problem.js';

const STORED: Body = {
  url: 'https://app/hook?token=one',
  topics: ['a/#'],
  headers: { authorization: 'Bearer two', 'x-number': '3' },
  signing: { secrets: ['whsec_three', 'whsec_four'] },
  auth: { basic: { username: 'five', password: 'six' } },
  tls: { serverName: 'seven' },
};

describe('masked', () => {
  it('secrets are shown to be there, and nothing of them', () => {
    assert.deepEqual(maskedBody(STORED), {
      url: `https://app/hook?${MASK}`,
      topics: ['a/#'],
      headers: { authorization: MASK, 'x-number': MASK },
      signing: { secrets: [MASK, MASK] },
      auth: { basic: { username: MASK, password: MASK } },
      tls: { serverName: MASK },
    });
    assert.deepEqual(maskedBody({ url: 'http://app/', topics: [] }), { url: 'http://app/', topics: [] });
  });

  it('sent back, a mask is what was stored; other values are themselves', () => {
    assert.deepEqual(unmaskedBody(maskedBody(STORED), STORED), { body: STORED, problems: [] });
    const changed = { ...maskedBody(STORED), headers: { authorization: MASK, other: 'new' }, concurrency: 1 };
    assert.deepEqual(unmaskedBody(changed, STORED).body, {
      ...STORED,
      headers: { authorization: 'Bearer two', other: 'new' },
      concurrency: 1,
    });
    const louder = unmaskedBody({ ...maskedBody(STORED), headers: { Authorization: MASK } }, STORED);
    assert.deepEqual([louder.body['headers'], louder.problems], [{ Authorization: 'Bearer two' }, []]);
    assert.equal(unmaskedBody({ ...STORED, url: 'https://app/other' }, STORED).body['url'], 'https://app/other');
  });

  it('a mask where nothing is stored is a problem', () => {
    const pointers = (sent: Body, stored?: Body): string[] =>
      unmaskedBody(sent, stored).problems.map(({ pointer }) => pointer);
    assert.deepEqual(pointers({ headers: { 'a/b': MASK } }), ['/headers/a~1b']);
    assert.deepEqual(pointers({ ...maskedBody(STORED), headers: { other: MASK } }, STORED), ['/headers/other']);
    assert.deepEqual(pointers({ url: `https://other/hook?${MASK}` }, STORED), ['/url']);
    assert.deepEqual(pointers({ ...STORED, signing: { secrets: [MASK, MASK, MASK] } }, STORED), ['/signing/secrets/2']);
    assert.deepEqual(pointers({ ...STORED, headers: { constructor: MASK } }, STORED), ['/headers/constructor']);
  });

  it('a url that leads elsewhere gets none of the stored secrets', () => {
    for (const url of ['https://evil/hook', 'http://app/hook', 'https://app:444/hook', 'no url', undefined]) {
      const { body, problems } = unmaskedBody({ ...maskedBody(STORED), url }, STORED);
      assert.equal(problems.length, 7, String(url));
      for (const { message } of problems) assert.match(message, /leads elsewhere/);
      assert.doesNotMatch(JSON.stringify(body), /two|three|four|five|six|seven/);
    }
  });
});

describe('problems of masks', () => {
  const masks = [{ pointer: '/headers/a', message: 'mask' }];
  const problemsOf = (check: () => unknown): unknown => {
    try {
      checkedWith(masks, check);
    } catch (error) {
      return (error as { details?: { errors: unknown } }).details?.errors ?? error;
    }
    return 'none';
  };

  it('are told together with all others, one for each place', () => {
    assert.deepEqual(
      problemsOf(() => 1),
      masks,
    );
    const other = { pointer: '/url', message: 'bad' };
    const twice = { pointer: '/headers/a', message: 'also bad' };
    const fails = (): never => {
      throw invalid([other, twice]);
    };
    assert.deepEqual(problemsOf(fails), [...masks, other]);
    assert.throws(() => checkedWith([], fails), { code: 'REQUEST_INVALID' });
    assert.equal(
      checkedWith([], () => 5),
      5,
    );
  });

  it('hide no fault', () => {
    const fault = new Error('the disk is gone');
    assert.equal(
      problemsOf(() => {
        throw fault;
      }),
      fault,
    );
  });
});
