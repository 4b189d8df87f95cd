import { createServer, type AddressInfo } from 'node:net';
import { Aedes } from 'aedes';

/** A broker within the process, on a free port of this machine. It refuses subscriptions to the filters in `deny`. */
export async function startBroker({ deny = [] }: { deny?: string[] } = {}): Promise<{
  url: string;
  stop(): Promise<void>;
}> {
  const aedes = await Aedes.createBroker({
    authorizeSubscribe: (_client, subscription, answer) =>
      answer(null, deny.includes(subscription.topic) ? null : subscription),
  });
  const server = createServer((socket) => aedes.handle(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close();
        aedes.close(() => resolve());
      }),
  };
}
