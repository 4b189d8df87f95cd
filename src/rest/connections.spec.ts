import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Connections } from './connections.js';

class Fake extends EventEmitter {
  readonly remoteAddress = '127.0.0.1';
  destroyed = false;
  constructor(readonly remotePort: number) {
    super();
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function opened(connections: Connections, port: number): Fake {
  const socket = new Fake(port);
  connections.opened(socket as unknown as Socket);
  return socket;
}

describe('connections', () => {
  it('one too many closes the oldest whose requests were never let in, and never one that may call', () => {
    let closed = 0;
    const connections = new Connections(3, () => closed++);
    const sockets = [1, 2, 3].map((port) => opened(connections, port));
    // Over TLS a request comes from another object with the same address and port.
    connections.vouch(new Fake(1) as unknown as Socket);
    const late = [4, 5, 6].map((port) => opened(connections, port));
    assert.deepEqual(
      [...sockets, ...late].map(({ destroyed }) => destroyed),
      [false, true, true, true, false, false],
    );
    assert.equal(connections.open, 3);
    assert.equal(closed, 3);
  });

  it('when all there are may call, the new one is closed', () => {
    const connections = new Connections(2, () => undefined);
    const sockets = [1, 2].map((port) => opened(connections, port));
    for (const socket of sockets) connections.vouch(socket as unknown as Socket);
    assert.equal(opened(connections, 3).destroyed, true);
    sockets[0]!.destroy();
    assert.equal(opened(connections, 4).destroyed, false);
    assert.equal(connections.open, 2);
  });
});
