import type { Socket } from 'node:net';

/**
 * Resets the connection; one that is being ended in order is closed as it is. Of a reset while the end is on its way
 * the system says EINVAL, and Node 24 neither closes such a socket nor lets the process end: it spins in its clean-up.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
