import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import { topicMatches } from '../../src/domain/topic.js';
import { resetSocket } from './reset-socket.js';

export interface AedesUser {
  password: string;
  read: string[];
  write: string[];
  /** Default true. */
  welcome?: boolean;
}

export interface AedesOptions {
  /** Default: a free one. */
  port?: number;
  /** By name. */
  users: { [name: string]: AedesUser };
  /** Client ids must begin so. */
  clientIdPrefix?: string;
  /** Connections at once. */
  maxConnections?: number;
  tls?: { cert: string; key: string };
}

const RETURN_CODE = { identifierRejected: 2, badUserNameOrPassword: 4, notAuthorized: 5 };

/** An Aedes in the test process, on 127.0.0.1. It forgets every session when it stops. */
export class AedesBroker {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #aedes: Aedes | undefined;
  #port: number;

  constructor(private readonly options: AedesOptions) {
    this.#port = options.port ?? 0;
  }

  get port(): number {
    return this.#port;
  }

  /** On the same port, when it has been started before. */
  async start(): Promise<void> {
    const { tls } = this.options;
    const aedes = await Aedes.createBroker(this.#rules());
    const take = (socket: Socket): void => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      if (this.#sockets.size > (this.options.maxConnections ?? Infinity)) socket.end();
      else aedes.handle(socket);
    };
    const server = tls ? createTlsServer(tls, take) : createServer(take);
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as { port: number }).port;
    [this.#server, this.#aedes] = [server, aedes];
  }

  /** In order, or as when its process is killed. */
  async stop(how: 'orderly' | 'killed' = 'orderly'): Promise<void> {
    const [server, aedes] = [this.#server!, this.#aedes!];
    const closed = new Promise((resolve) => server.close(resolve));
    if (how === 'killed') this.#sockets.forEach(resetSocket);
    await new Promise<void>((resolve) => aedes.close(resolve));
    this.#sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  kick(clientId: string): void {
    this.#clients()[clientId]?.close();
  }

  #clients(): { [clientId: string]: Client } {
    return (this.#aedes as unknown as { clients: { [clientId: string]: Client } }).clients;
  }

  #rules(): ConstructorParameters<typeof Aedes>[0] {
    const { users, clientIdPrefix = '' } = this.options;
    const names = new Map<string, string>();
    const may = (client: Client | null, right: 'read' | 'write', topic: string): boolean =>
      users[names.get(client?.id ?? '') ?? '']?.[right].some((filter) => topicMatches(filter, topic)) ?? false;
    return {
      authenticate: (client, username = '', password, done) => {
        const user = users[username];
        names.set(client.id, username);
        if (!client.id.startsWith(clientIdPrefix)) return done(refusal(RETURN_CODE.identifierRejected), null);
        if (user?.password !== password?.toString()) return done(refusal(RETURN_CODE.badUserNameOrPassword), null);
        if (user?.welcome === false) return done(refusal(RETURN_CODE.notAuthorized), null);
        done(null, true);
      },
      authorizeSubscribe: (client, subscription, done) =>
        done(null, may(client, 'read', subscription.topic) ? subscription : null),
      authorizePublish: (client, packet, done) =>
        done(may(client, 'write', packet.topic) ? null : new Error('not allowed')),
    };
  }
}

function refusal(returnCode: number): AuthenticateError {
  return Object.assign(new Error('refused'), { returnCode });
}

export async function startAedes(options: AedesOptions): Promise<AedesBroker> {
  const broker = new AedesBroker(options);
  await broker.start();
  return broker;
}
