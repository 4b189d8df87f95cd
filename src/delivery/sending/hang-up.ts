import type { Socket } from 'node:net';

type Written = (error?: Error | null) => void;

/**
 * A receiver that answers before it has read the request, and hangs up, makes what is still being written fail. Node ends
 * a socket at that, and what it has not read yet is lost: the answer. So this failure is kept from it: what is left goes
 * nowhere, and the answer, or that there is none, comes with what is read, which ends soon.
 * @param hungUp told when that happens: nobody must send on this socket again
 */
export function readPastHangUp(socket: Socket, hungUp: () => void): void {
  const past = (written: Written): Written => {
    return (error) => {
      if (!isHangUp(error)) return written(error);
      hungUp();
      written();
    };
  };
  const [write, writev] = [socket._write.bind(socket), socket._writev!.bind(socket)];
  socket._write = (chunk, encoding, written) => write(chunk, encoding, past(written));
  socket._writev = (chunks, written) => writev(chunks, past(written));
}

function isHangUp(error: NodeJS.ErrnoException | null | undefined): boolean {
  return error?.code === 'EPIPE' || error?.code === 'ECONNRESET';
}
