import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
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
});
