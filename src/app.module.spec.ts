import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CONTROLLERS } from './app.module.js';
import { ALL, CLOSED, JSON_TYPE, MAX_PAYLOAD_BYTES, ROUTES, Surface, table, TOKEN } from './app.module.fixture.js';
import { SECURITY_HEADERS } from './domain/security-headers.js';
import { routesOf } from './rest/index.js';

const surface = new Surface();
before(() => surface.start());
after(() => surface.stop());

describe('every route', () => {
  it('says what a call of it needs', () => {
    assert.ok(ROUTES.length > 20);
    assert.deepEqual(
      ROUTES.filter(({ access }) => access === undefined),
      [],
    );
  });

  it('and nothing else answers: the router knows no more than the controllers say', () => {
    const known = new Set(ROUTES.map(({ method, path }) => `${method} ${path}`));
    const routed = surface.routed.map(({ method, url }) => `${method} ${url.replace(/:\w+/, '1')}`);
    assert.deepEqual(
      routed.filter((one) => !known.has(one.replace(/^HEAD/, 'GET'))),
      [],
    );
    assert.ok(routed.length >= known.size);
  });
});

describe('the OpenAPI document', () => {
  it('is told by every route what it does', () => {
    const silent = routesOf(CONTROLLERS).filter(({ operation }) => operation === undefined);
    assert.deepEqual(silent, []);
  });

  it('has every route that the router has, with the methods it takes, and no other', async () => {
    const { paths } = JSON.parse((await surface.call('GET', '/openapi.json')).text) as {
      paths: { [path: string]: object };
    };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routed = surface.routed.map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`);
    assert.deepEqual(described.sort(), [...new Set(routed)].sort());
  });
});

describe('what is public', () => {
  it('is what describes the gateway, and tells nothing of this one', async () => {
    const open = ROUTES.filter(({ access }) => access === 'public').map(({ path }) => path);
    assert.deepEqual(open, ['/console', '/console/1', '/openapi.json', '/docs', '/docs/style.css']);
    for (const path of open.map((one) => one.replace('/1', '/icon.svg'))) {
      const [answer, head] = [await surface.call('GET', path), await surface.call('HEAD', path)];
      assert.deepEqual([answer.status, head.status, head.text], [200, 200, '']);
      assert.equal(head.headers['content-length'], String(Buffer.byteLength(answer.text)));
      assert.doesNotMatch(answer.text, /few-scopes|127\.0\.0\.1|commands\/#/);
    }
  });

  it('lets nobody stay whose caller is not known: a connection is vouched for by a token alone', async () => {
    const before = surface.vouched;
    for (const path of ['/docs', '/v1/link', '/nowhere']) await surface.call('GET', path);
    assert.equal(surface.vouched, before);
    await surface.call('GET', '/v1/link', ALL);
    assert.equal(surface.vouched, before + 1);
  });
});

describe('a call that is refused at the door', () => {
  it('is counted with its reason, and one for an address at which nothing is is not', async () => {
    surface.refused.length = 0;
    const few = { authorization: 'Bearer few-scopes' };
    await surface.call('GET', '/v1/link');
    await surface.call('GET', '/v1/link', few);
    await surface.call('POST', '/v1/reload', { ...ALL, 'sec-fetch-site': 'cross-site' });
    await surface.call('GET', '/nowhere');
    await surface.call('PATCH', '/v1/link');
    await surface.call('GET', '/docs');
    assert.deepEqual(surface.refused, ['unauthorized', 'forbidden', 'forbidden']);
  });
});

describe('REST without the right token', () => {
  it('no call is answered, by whatever method or spelling of its address', async () => {
    for (const { method, path } of CLOSED) {
      const headers: { [name: string]: string } = method === 'POST' ? { 'content-type': 'application/json' } : {};
      const body = method === 'POST' ? '{}' : '';
      assert.equal(await surface.problem(method, path, headers, body), '401 UNAUTHORIZED');
      const basic = { ...headers, authorization: `Basic ${TOKEN}` };
      assert.equal(await surface.problem(method, path, basic, body), '401 UNAUTHORIZED');
      const head = await surface.call('HEAD', path);
      const readable = table.methods(path).includes('HEAD');
      assert.deepEqual([head.status, head.headers['www-authenticate']], readable ? [401, 'Bearer'] : [405, undefined]);
    }
    assert.equal(await surface.problem('GET', '/v1/%6cink'), '401 UNAUTHORIZED');
    assert.equal(await surface.problem('GET', `/v1/link?token=${TOKEN}`), '401 UNAUTHORIZED');
    for (const path of [
      '/v1/link/',
      '//v1/link',
      '/v1//link',
      '/V1/link',
      '/v1/link;a',
      '/v1/../v1/link',
      '/v1/%2e%2e/v1/link',
      '/v1/link%2F',
      '/v1%2Flink',
      '/v1/subscribers//pause',
    ]) {
      assert.equal(await surface.problem('GET', path), '404 NOT_FOUND', path);
    }
  });

  it('another method than an address takes is 405, with those it takes', async () => {
    for (const method of ['OPTIONS', 'TRACE', 'PUT', 'DELETE', 'POST', 'PATCH', 'PROPFIND']) {
      assert.equal(await surface.problem(method, '/v1/link'), '405 METHOD_NOT_ALLOWED', method);
    }
    const { headers, text } = await surface.call('PATCH', '/v1/subscribers/%61', {}, '{"not":"read"');
    assert.equal(headers.allow, 'GET, HEAD, PUT, DELETE');
    assert.deepEqual((JSON.parse(text) as { allow: string[] }).allow, ['GET', 'HEAD', 'PUT', 'DELETE']);
  });

  it('not even its body is read: neither what is too large nor what is no JSON is noticed', async () => {
    const large = `"${'x'.repeat(2_000_000)}"`;
    for (const body of ['{"topic":', large]) {
      assert.equal(
        await surface.problem('POST', '/v1/publish', { 'content-type': 'application/json' }, body),
        '401 UNAUTHORIZED',
      );
      assert.equal(
        await surface.problem('POST', '/nowhere', { 'content-type': 'application/json' }, body),
        '404 NOT_FOUND',
      );
      assert.equal(
        await surface.problem('POST', '/v1/reload', { ...JSON_TYPE, authorization: 'Bearer few-scopes' }, body),
        '403 FORBIDDEN',
      );
    }
  });

  it('a token opens what its scopes say, and nothing else', async () => {
    const few = { authorization: 'Bearer few-scopes' };
    for (const { method, path } of CLOSED.filter(({ access }) => access !== 'publish' && access !== 'any')) {
      assert.equal(await surface.problem(method, path, few), '403 FORBIDDEN');
    }
    assert.equal(await surface.problem('GET', '/v1/publishes/1', few), '404 NOT_FOUND');
    const { text } = await surface.call('GET', '/v1/caller', few);
    assert.deepEqual(JSON.parse(text), { name: 'few', scopes: ['publish'] });
  });
});

describe('every answer', () => {
  it('has the security headers, also one that the router or the parser refused', async () => {
    const calls: [method: string, path: string, headers: { [name: string]: string }, body?: string][] = [
      ['GET', '/asyncapi.json', ALL],
      ['HEAD', '/v1/stream', ALL],
      ['GET', '/v1/link', {}],
      ['GET', '/nowhere', {}],
      ['GET', '/%zz', {}],
      ['GET', `/v1/publishes/${'a'.repeat(1_000)}`, ALL],
      ['POST', '/v1/publish', JSON_TYPE, '{'],
      ['GET', '/v1/dead-letters', ALL],
    ];
    for (const [method, path, headers, body] of calls) {
      const answer = await surface.call(method, path, headers, body);
      for (const [name, value] of Object.entries(SECURITY_HEADERS))
        assert.equal(answer.headers[name], value, `${path} ${name}`);
    }
    surface.log.length = 0;
  });
});

describe('a request that cannot be read', () => {
  it('is answered with problem details, whoever refused it', async () => {
    const post = (body: string, headers: { [name: string]: string } = JSON_TYPE): Promise<string> =>
      surface.problem('POST', '/v1/publish', headers, body);
    assert.equal(await post('{"topic":'), '400 REQUEST_INVALID');
    assert.equal(await post(''), '400 REQUEST_INVALID');
    assert.equal(await post('[]'), '400 REQUEST_INVALID');
    assert.equal(await post('{"topic":"commands/a","payload":1,"__proto__":{}}'), '400 REQUEST_INVALID');
    assert.equal(await post(`"${'x'.repeat(300_000)}"`), '413 PAYLOAD_TOO_LARGE');
    for (const path of ['/%zz', '/v1/publishes/%', `/v1/publishes/${'a'.repeat(1_000)}`]) {
      assert.equal(await surface.problem('GET', path, ALL), '400 REQUEST_INVALID');
    }
    assert.equal(await surface.problem('GET', '/nowhere', ALL), '404 NOT_FOUND');
    assert.equal(await surface.problem('GET', '/v1/link', ALL), '404 NOT_FOUND');
  });

  it('an address that is wrong is not called a body', async () => {
    const { text } = await surface.call('GET', '/v1/dead-letters/abc', ALL);
    assert.equal((JSON.parse(text) as { detail: string }).detail, 'the address must end with a whole number from 1');
  });

  it('no body is none, also when it would be JSON', async () => {
    for (const headers of [ALL, JSON_TYPE]) {
      const { status, text } = await surface.call('POST', '/v1/subscribers/a/pause', headers);
      assert.deepEqual([status, text], [200, '{"id":"a"}']);
    }
  });

  it('a body that any web page could send without asking is not taken for JSON', async () => {
    const body = '{"topic":"commands/a","payload":"x"}';
    const form = 'topic=commands%2Fa&payload=x';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=a', '']) {
      for (const text of [body, form]) {
        const headers: { [name: string]: string } = type === '' ? ALL : { ...ALL, 'content-type': type };
        for (const path of ['/v1/publish', '/v1/publish/batch', '/v1/request', '/v1/subscribers/raw/test']) {
          assert.equal(await surface.problem('POST', path, headers, text), '415 CONTENT_TYPE_UNSUPPORTED', path + type);
        }
      }
    }
    assert.deepEqual(surface.accepted, []);
  });

  it('a body that is compressed, or JSON that is said to be no UTF-8, is not taken', async () => {
    const body = '{"topic":"commands/a","payload":"x"}';
    const asked = (path: string, headers: { [name: string]: string }): Promise<string> =>
      surface.problem('POST', path, { ...ALL, ...JSON_TYPE, ...headers }, body);
    for (const path of ['/v1/publish', '/v1/publish/batch', '/v1/request', '/v1/publish/raw?topic=commands/a']) {
      for (const encoding of ['gzip', 'br', 'x-own']) {
        assert.equal(await asked(path, { 'content-encoding': encoding }), '415 CONTENT_TYPE_UNSUPPORTED', path);
      }
      assert.equal(await surface.problem('POST', path, { 'content-encoding': 'gzip' }, body), '401 UNAUTHORIZED');
    }
    for (const charset of ['latin1', 'utf-16', '"iso-8859-1"', '']) {
      const type = `application/json; charset=${charset}`;
      assert.equal(await asked('/v1/publish', { 'content-type': type }), '415 CONTENT_TYPE_UNSUPPORTED', type);
    }
    assert.deepEqual(surface.accepted, []);
    for (const type of ['application/json;charset=UTF-8', 'application/json; charset="utf-8"']) {
      const headers = { ...ALL, 'content-type': type, 'content-encoding': 'identity' };
      assert.equal((await surface.call('POST', '/v1/publish', headers, body)).status, 202, type);
      surface.accepted.pop();
    }
  });

  it('raw bytes are what they are, whatever their type says', async () => {
    const raw = '/v1/publish/raw?topic=commands/a';
    for (const type of [undefined, 'text/plain', 'application/json', 'application/octet-stream']) {
      const headers: { [name: string]: string } = type === undefined ? ALL : { ...ALL, 'content-type': type };
      assert.equal((await surface.call('POST', raw, headers, '{"topic":')).status, 202, type);
      const { payload, properties } = surface.accepted.pop()!;
      assert.deepEqual([String(payload), properties?.contentType], ['{"topic":', type]);
    }
    const text = 'x'.repeat(MAX_PAYLOAD_BYTES + 1);
    assert.equal(await surface.problem('POST', raw, ALL, text), '413 PAYLOAD_TOO_LARGE');
    assert.equal(
      await surface.problem('POST', raw, { ...ALL, 'content-type': 'text' }, 'x'),
      '415 CONTENT_TYPE_UNSUPPORTED',
    );
  });

  it('a fault inside is in the log, and not in the answer', async () => {
    surface.log.length = 0;
    const { text } = await surface.call('GET', '/v1/dead-letters', ALL);
    const { code, requestId } = JSON.parse(text) as { code: string; requestId: string };
    assert.equal(code, 'INTERNAL');
    assert.equal(surface.log.length, 1);
    assert.match(surface.log[0]!, /the disk is gone/);
    assert.doesNotMatch(surface.log[0]!, new RegExp(TOKEN));
    const line = JSON.parse(surface.log[0]!) as { requestId: string; caller: string };
    assert.deepEqual([line.requestId, line.caller], [requestId, 'all']);
  });
});

describe('a request id', () => {
  const asked = async (path: string, headers: { [name: string]: string }): Promise<[header: string, body: string]> => {
    const answer = await surface.call('GET', path, headers);
    return [answer.headers['x-request-id'] as string, (JSON.parse(answer.text) as { requestId: string }).requestId];
  };

  it('is the caller’s own where that is sane, else one of ours; header and problem say the same, whoever refused', async () => {
    const own = 'trace/7f-3.A:b_c=';
    for (const path of ['/v1/link', '/nowhere', '/%zz', '/v1/dead-letters', '/v1/publishes/1']) {
      for (const token of [{}, ALL]) {
        assert.deepEqual(await asked(path, { ...token, 'x-request-id': own }), [own, own]);
        const [header, body] = await asked(path, token);
        assert.match(header, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/);
        assert.equal(body, header);
      }
    }
    assert.deepEqual(await asked('/v1/link', { host: 'a:b:c', 'x-request-id': own }), [own, own]);
    const insane = ['x'.repeat(65), 'a b', 'a"b', '<a>', 'a,b', ''];
    for (const id of insane) assert.notEqual((await asked('/v1/link', { 'x-request-id': id }))[0], id);
    assert.notEqual((await asked('/nowhere', {}))[0], (await asked('/nowhere', {}))[0]);
  });

  it('is there when all is well, too', async () => {
    const answer = await surface.call('GET', '/asyncapi.json', { ...ALL, 'x-request-id': 'mine' });
    assert.deepEqual([answer.status, answer.headers['x-request-id']], [200, 'mine']);
  });
});

describe('a call that changes something', () => {
  it('is in the log with its caller and its request id, and no other is', async () => {
    surface.log.length = 0;
    const mine = { ...ALL, 'x-request-id': 'mine' };
    await surface.call('POST', '/v1/subscribers/app%20a/pause', mine);
    await surface.call('DELETE', `/v1/dead-letters?secret=${TOKEN}`, mine);
    await surface.call('GET', '/v1/link', mine);
    await surface.call('POST', '/v1/reload', { authorization: 'Bearer few-scopes' });
    await surface.call('POST', '/v1/reload');
    await surface.call('POST', '/nowhere', mine);
    await surface.call('PATCH', '/v1/reload', mine);
    await surface.call('POST', '/v1/publish', { ...JSON_TYPE, 'x-request-id': 'mine' }, '{}');
    const lines = surface.log.map((line) => JSON.parse(line) as { [field: string]: unknown });
    assert.deepEqual(
      lines.map(({ requestId, caller, method, route, params, status, query }) => [
        ...[requestId, caller, method, route],
        ...[params, status, query],
      ]),
      [
        ['mine', 'all', 'POST', '/v1/subscribers/:id/pause', { id: 'app a' }, 200, undefined],
        ['mine', 'all', 'DELETE', '/v1/dead-letters', {}, 400, undefined],
      ],
    );
    assert.doesNotMatch(surface.log.join(), new RegExp(TOKEN));
  });
});

describe('POST /v1/publish', () => {
  it('every answer of the table', async () => {
    const wanted = { topic: 'commands/a', payload: 'x' };
    const answer = async (body: object, headers?: { [name: string]: string }): Promise<[number, unknown]> => {
      const { status, text, headers: answered } = await surface.publish(body, headers);
      const { code, status: said } = JSON.parse(text) as { code?: string; status: unknown };
      assert.equal('retry-after' in answered, status === 503);
      return [status, code ?? said];
    };
    assert.deepEqual(await answer(wanted), [202, 'queued']);
    assert.deepEqual(await answer({ ...wanted, qos: 0 }), [503, 'LINK_DOWN']);
    surface.publisher.linkUp = true;
    assert.deepEqual(await answer(wanted), [200, 'published']);
    assert.deepEqual(await answer(wanted, { prefer: 'respond-async' }), [202, 'queued']);
    assert.deepEqual(await answer({ ...wanted, qos: 2 }), [400, 'QOS_UNSUPPORTED']);
    assert.deepEqual(await answer({ ...wanted, topic: 'a/#' }), [400, 'REQUEST_INVALID']);
    assert.deepEqual(await answer({ ...wanted, topic: 'other' }), [403, 'TOPIC_FORBIDDEN']);
    assert.deepEqual(await answer({ ...wanted, payload: 'x'.repeat(1_001) }), [413, 'PAYLOAD_TOO_LARGE']);
    assert.deepEqual(await answer({ ...wanted, topic: 'commands/denied' }), [502, 'PUBLISH_REFUSED']);
    const { cause } = JSON.parse((await surface.publish({ ...wanted, topic: 'commands/denied' })).text) as {
      cause: string;
    };
    assert.equal(cause, 'publish-denied');
    surface.publisher.stop();
    assert.deepEqual(await answer(wanted), [503, 'SHUTTING_DOWN']);
  });
});
