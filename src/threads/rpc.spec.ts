import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { HoldfastError } from '../domain/errors.js';
import { Channel, remote, served, type PortLike } from './rpc.js';

/** Two channels that talk to each other; both ports are closed when the test ends. */
function pair(
  t: TestContext,
  target: object,
  heard: (event: string, value: unknown) => void = () => undefined,
): Channel {
  const { port1, port2 } = new MessageChannel();
  new Channel(port1, served(target), () => undefined);
  const near = new Channel(port2, undefined, heard);
  t.after(() => {
    port1.close();
    port2.close();
  });
  return near;
}

const boom = (): never => {
  throw new HoldfastError('JOURNAL_FULL', 'no room', { details: { left: 3 } });
};

describe('calls between threads', () => {
  it('an error keeps its code and details, whether it is thrown or a rejection', async (t) => {
    const channel = pair(t, { boom, later: () => Promise.reject(new HoldfastError('OUTBOX_FULL', 'no room')) });
    await assert.rejects(channel.call('boom', []), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.deepEqual([error.code, error.message, error.details], ['JOURNAL_FULL', 'no room', { left: 3 }]);
      assert.equal(error.retryable, true);
      return true;
    });
    await assert.rejects(channel.call('later', []), { code: 'OUTBOX_FULL' });
  });

  it('any other error keeps its message, and what is no error becomes one', async (t) => {
    const channel = pair(t, {
      typed: () => Promise.reject(new TypeError('not a number')),
      words: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is the point
        throw 'words';
      },
    });
    await assert.rejects(
      channel.call('typed', []),
      (error) => error instanceof Error && error.message === 'not a number',
    );
    await assert.rejects(channel.call('words', []), /^Error: words$/);
  });

  it('a method that is not there, or a value that cannot be sent, rejects and ends nothing', async (t) => {
    const channel = pair(t, { value: 5, unsendable: () => () => undefined, fine: () => 'fine' });
    for (const method of ['nowhere', 'value']) {
      await assert.rejects(channel.call(method, []), new RegExp(`nothing here answers "${method}"`));
    }
    await assert.rejects(channel.call('unsendable', []), /could not be cloned/);
    await assert.rejects(channel.call('fine', [(): void => undefined]), /could not be cloned/);
    assert.equal(await channel.call('fine', []), 'fine');
  });

  it('once the other side is gone, calls without an answer reject, and so does every later one', async (t) => {
    const channel = pair(t, { hang: () => new Promise(() => undefined), fine: () => 'fine' });
    const hanging = [channel.call('hang', []), channel.call('hang', [])];
    channel.fail(new Error('the journal thread ended'));
    for (const call of hanging) await assert.rejects(call, /the journal thread ended/);
    await assert.rejects(channel.call('fine', []), /the journal thread ended/);
  });

  it('an answer that comes after the end, or for nobody, is ignored', async () => {
    let receive: (message: unknown) => void = () => assert.fail('nobody listens');
    const sent: unknown[] = [];
    const port: PortLike = {
      on: (_event, listener) => (receive = listener),
      postMessage: (message: unknown) => void sent.push(message),
    };
    const channel = new Channel(port);
    const call = channel.call('a', []);
    channel.fail(new Error('gone'));
    await assert.rejects(call, /gone/);
    for (const answer of [
      { answer: 1, value: 5 },
      { answer: 99, error: { message: 'x' } },
    ]) {
      assert.doesNotThrow(() => receive(answer));
    }
    assert.equal(sent.length, 1);
  });

  it('answers go to their callers, in whatever order they come', async (t) => {
    const finish: (() => void)[] = [];
    const channel = pair(t, {
      slow: (value: number) => new Promise((resolve) => finish.push(() => resolve(value))),
      both: (a: number, b: number) => a + b,
    });
    const calls = [1, 2, 3].map((value) => channel.call('slow', [value]));
    assert.equal(await channel.call('both', [1, 2]), 3);
    for (const one of finish.reverse()) one();
    assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
  });

  it('events arrive in the order in which they were sent, also between calls', async (t) => {
    const heard: unknown[] = [];
    const { port1, port2 } = new MessageChannel();
    const far = new Channel(port1, served({ ask: () => far.emit('asked', heard.length) }));
    const near = new Channel(port2, undefined, (event, value) => heard.push([event, value]));
    t.after(() => port1.close());
    for (let i = 0; i < 100; i++) far.emit('count', i);
    await near.call('ask', []);
    far.emit('last', undefined);
    while (heard.length < 102) await setImmediate();
    assert.deepEqual(
      heard.slice(0, 100),
      Array.from({ length: 100 }, (_, i) => ['count', i]),
    );
    assert.deepEqual(
      heard.slice(100).map((one) => (one as [string])[0]),
      ['asked', 'last'],
    );
  });

  it('buffers that are transferred are gone here, and whole there', async (t) => {
    const channel = pair(t, { size: (bytes: Uint8Array) => bytes.byteLength });
    const far = remote<{ size(bytes: Uint8Array): Promise<number> }>(channel, (_method, [bytes]) => [
      (bytes as Uint8Array<ArrayBuffer>).buffer,
    ]);
    const bytes = new Uint8Array(1_000);
    assert.equal(await far.size(bytes), 1_000);
    assert.equal(bytes.byteLength, 0);
  });

  it('a stand-in can be the value of a promise', async (t) => {
    const far = remote<{ fine(): Promise<string> }>(pair(t, { fine: () => 'fine' }));
    assert.equal(await (await Promise.resolve(far)).fine(), 'fine');
  });
});

describe('channel', () => {
  it('a call to a thread that is gone rejects: whoever stops must not wait for ever', async () => {
    const { port1, port2 } = new MessageChannel();
    const channel = new Channel(port1);
    channel.fail(new Error('gone'));
    await assert.rejects(channel.call('close', []), /gone/);
    port2.close();
  });

  it('a port that closes rejects what waits for its answer', async () => {
    const { port1, port2 } = new MessageChannel();
    const waiting = new Channel(port1).call('append', []);
    port2.close();
    await assert.rejects(waiting, /gone/);
  });

  it('a receiver that stands still is sent one of many values, and then the newest', async () => {
    const { port1, port2 } = new MessageChannel();
    const sender = new Channel(port1);
    for (let position = 1; position <= 1_000; position++) sender.emitLatest('admitted', position);
    const first = receiveMessageOnPort(port2) as { message: unknown };
    assert.deepEqual(first.message, { event: 'admitted', value: 1, confirm: true });
    assert.equal(receiveMessageOnPort(port2), undefined);
    const heard: unknown[] = [];
    new Channel(port2, undefined, (_, value) => heard.push(value));
    port2.postMessage({ heard: 'admitted' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    sender.emitLatest('admitted', 1_001);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(heard, [1_000, 1_001]);
    port1.close();
  });
});
