import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { AllowList } from '../../domain/allow-list.js';
import type { Outcome } from '../../domain/attempt.js';
import { systemClock } from '../../domain/clock.js';
import type { Record } from '../../domain/record.js';
import { SUBSCRIBER_DEFAULTS } from '../../domain/subscriber.js';
import type { Lookup } from './guard.js';
import { HttpSender } from './http-sender.js';

const RECORD: Record = {
  ...{ position: 1, id: 'id-1', topic: 't', qos: 1, retain: false, receivedAt: 0, properties: null },
  payload: Buffer.from('x'),
};

let server: Server;
let port = 0;
let requests = 0;
before(async () => {
  server = createServer((_, response) => {
    requests++;
    response.writeHead(204, { connection: 'close' }).end(); // each attempt has to connect anew
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
after(() => server.close());

/** Answers of DNS, one after the other; the last one again and again. */
class Dns {
  asked = 0;
  constructor(private readonly answers: string[][]) {}
  readonly lookup: Lookup = (_host, _options, callback) => {
    const addresses = this.answers[Math.min(this.asked++, this.answers.length - 1)]!;
    setImmediate(
      callback,
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
}

function sender(url: string, allow: string[], lookup?: Lookup): HttpSender {
  const settings = {
    ...SUBSCRIBER_DEFAULTS,
    id: 'app',
    url,
    topics: ['#'],
    signing: { secrets: [] },
    timeoutMs: 2_000,
  };
  const guard = { allow: new AllowList(allow), lookup };
  const retry = { scheduleMs: [], maxAgeMs: 1 };
  return new HttpSender({ ...settings, retry }, { source: 's', userAgent: 'u', clock: systemClock, guard });
}

async function send(one: HttpSender): Promise<Outcome> {
  return one.send(RECORD, { attempt: 1, replay: false });
}

function isForbidden(outcome: Outcome): void {
  assert.ok(outcome.kind === 'retry', JSON.stringify(outcome));
  assert.deepEqual([outcome.reason, outcome.status, outcome.opensBreaker], ['forbidden', 0, true]);
}

describe('a guarded sender', () => {
  it('connects to what is allowed, by name and by address', async () => {
    const dns = new Dns([['127.0.0.1']]);
    const name = sender(`http://localhost:${port}/`, [`localhost:${port}`], dns.lookup);
    assert.deepEqual([(await send(name)).kind, dns.asked], ['delivered', 1]);
    const literal = sender(`http://127.0.0.1:${port}/`, ['127.0.0.0/8']);
    assert.equal((await send(literal)).kind, 'delivered');
    await Promise.all([name.close(), literal.close()]);
  });

  it('rebinding: DNS that answers otherwise the next time reaches nobody', async () => {
    const dns = new Dns([['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1', '169.254.169.254'], ['::ffff:a9fe:a9fe']]);
    const one = sender(`http://app.test:${port}/`, ['app.test', '127.0.0.0/8'], dns.lookup);
    const before = requests;
    assert.equal((await send(one)).kind, 'delivered');
    for (let i = 0; i < 3; i++) isForbidden(await send(one));
    assert.deepEqual([requests - before, dns.asked], [1, 4]);
    await one.close();
  });

  it('one resolution for each connection: what was looked at is what is connected to', async () => {
    const dns = new Dns([['127.0.0.1'], ['127.0.0.2']]);
    const one = sender(`http://app.test:${port}/`, ['app.test', '127.0.0.1'], dns.lookup);
    assert.equal((await send(one)).kind, 'delivered');
    assert.equal(dns.asked, 1);
    await one.close();
  });

  it('an allowed name at a loopback address is this machine, and is not sent to', async () => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      const one = sender(`http://app.test:${port}/`, ['app.test'], new Dns([[address]]).lookup);
      const before = requests;
      isForbidden(await send(one));
      assert.equal(requests, before);
      await one.close();
    }
  });

  it('an address that is not in the list is not connected to, over TLS neither', async () => {
    for (const url of [`http://127.0.0.1:${port}/`, `http://2130706433:${port}/`, `https://127.1:${port}/`]) {
      const one = sender(url, ['10.0.0.0/8', 'localhost']);
      isForbidden(await send(one));
      await one.close();
    }
    const tls = sender(`https://app.test:${port}/`, ['app.test'], new Dns([['169.254.169.254']]).lookup);
    isForbidden(await send(tls));
    await tls.close();
  });

  it('a name that cannot be resolved fails as it would without a guard', async () => {
    const lookup: Lookup = (_host, _options, callback) =>
      setImmediate(callback, Object.assign(new Error('getaddrinfo ENOTFOUND app.test'), { code: 'ENOTFOUND' }), []);
    const one = sender('http://app.test/', ['app.test'], lookup);
    const outcome = await send(one);
    assert.deepEqual([outcome.kind, 'reason' in outcome && outcome.reason], ['retry', 'network']);
    await one.close();
  });
});
