import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { Channel } from './rpc.js';

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
