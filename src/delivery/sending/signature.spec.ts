import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { HoldfastError } from '../../domain/errors.js';
import { Signer } from './signature.js';
import { SECRET } from './sending.fixture.js';

const OTHER = `whsec_${Buffer.from('another secret, rotated in').toString('base64')}`;
const ID = '019c13a0-0000-7000-8000-000000000001';

function verify(secret: string, signature: string, body: string, timestamp: number): unknown {
  const headers = { 'webhook-id': ID, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': signature };
  return new Webhook(secret).verify(body, headers);
}

describe('the signature', () => {
  it('is the one that Standard Webhooks publishes as an example', () => {
    const signer = new Signer(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']);
    const signature = signer.sign('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, Buffer.from('{"test": 2432232314}'));
    assert.equal(signature, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  // The library refuses timestamps far from the real clock.
  const now = Math.floor(Date.now() / 1_000);

  it('a malformed secret is refused and not repeated', () => {
    for (const secret of ['', 'whsec_', 'whsec_a', 'whsec_not base64!', 'hunter2hunter2']) {
      assert.throws(
        () => new Signer([secret]),
        (error: unknown) => {
          assert.ok(error instanceof HoldfastError && error.code === 'CONFIG_INVALID');
          return secret.length < 8 || !error.message.includes(secret);
        },
      );
    }
  });

  it('another body, id or secret does not verify', () => {
    const signature = new Signer([SECRET]).sign(ID, now, Buffer.from('{"a":1}'))!;
    assert.throws(() => verify(SECRET, signature, '{"a":2}', now));
    assert.throws(() => verify(OTHER, signature, '{"a":1}', now));
    assert.throws(() => verify(SECRET, signature, '{"a":1}', now - 1));
  });

  it('verifies with the reference library, under each of two secrets', () => {
    const signature = new Signer([SECRET, OTHER]).sign(ID, now, Buffer.from('{"grüße":1}'))!;
    assert.match(signature, /^v1,[A-Za-z0-9+/=]{44} v1,[A-Za-z0-9+/=]{44}$/);
    assert.deepEqual(verify(SECRET, signature, '{"grüße":1}', now), { grüße: 1 });
    assert.deepEqual(verify(OTHER, signature, '{"grüße":1}', now), { grüße: 1 });
  });

  it('covers the raw bytes, not their reading as text', () => {
    const signer = new Signer([SECRET]);
    const [one, other] = [Buffer.from([0x80]), Buffer.from([0x81])]; // both U+FFFD as UTF-8
    assert.notEqual(signer.sign(ID, now, one), signer.sign(ID, now, other));
  });

  it('is absent without a secret', () => {
    assert.equal(new Signer([]).sign(ID, now, Buffer.from('x')), undefined);
  });
});
