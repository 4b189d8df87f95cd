import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { goneOf } from './request.js';

describe('whoever asked', () => {
  it('is gone once the connection is closed, for all that was sent over it, with one listener', () => {
    const socket = Object.assign(new EventEmitter(), { destroyed: false }) as unknown as Socket;
    const all = Array.from({ length: 16 }, () => goneOf(socket));
    assert.equal(new Set(all).size, 1);
    assert.equal(socket.listenerCount('close'), 1);
    assert.equal(all[0]!.aborted, false);
    socket.emit('close');
    assert.equal(all[0]!.aborted, true);
  });

  it('was gone before when the connection was closed already', () => {
    const socket = Object.assign(new EventEmitter(), { destroyed: true }) as unknown as Socket;
    assert.equal(goneOf(socket).aborted, true);
  });
});
