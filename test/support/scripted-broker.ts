/** A broker that does what the test says: answers like a good one until an answer is replaced. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import mqttPacket, { type IConnectPacket, type Packet, type Parser } from 'mqtt-packet';
import { atExit } from './children.js';
import { resetSocket } from './reset-socket.js';
import { until } from './until.js';

export type Command = NonNullable<Packet['cmd']>;
export type PacketOf<C extends Command> = Extract<Packet, { cmd: C }>;
/** Replaces what is answered to one kind of packet. */
export type Answer<C extends Command> = (packet: PacketOf<C>, client: ScriptedClient) => void;

/** One connection of the gateway, as the broker sees it. */
export class ScriptedClient {
  /** Everything it sent, oldest first. */
  readonly packets: Packet[] = [];
  connect: IConnectPacket | undefined;
  readonly #parser: Parser;

  constructor(
    readonly socket: Socket,
    private readonly heard: (packet: Packet, client: ScriptedClient) => void,
  ) {
    this.#parser = mqttPacket.parser();
    this.#parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') this.connect = packet;
      this.packets.push(packet);
      this.heard(packet, this);
    });
    this.#parser.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#parser.parse(chunk));
    socket.on('error', () => undefined);
  }

  get version(): 4 | 5 {
    return this.connect?.protocolVersion === 5 ? 5 : 4;
  }

  send(packet: Packet): void {
    this.bytes(mqttPacket.generate(packet, { protocolVersion: this.version }));
  }

  bytes(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Closes without a word. */
  end(): void {
    this.socket.end();
  }

  reset(): void {
    resetSocket(this.socket);
  }

  sent<C extends Command>(command: C): PacketOf<C>[] {
    return this.packets.filter((packet): packet is PacketOf<C> => packet.cmd === command);
  }
}

export class ScriptedBroker {
  /** Those that have sent something, newest last. */
  readonly clients: ScriptedClient[] = [];
  /** Answers that differ from a good broker's. */
  readonly answers: { [C in Command]?: Answer<C> } = {};
  readonly #server: Server;
  #forget = (): unknown => undefined;

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      const client = new ScriptedClient(socket, (packet, one) => this.#answer(packet, one));
      // Before the packets of it are read: who only knocks is no client.
      socket.prependOnceListener('data', () => this.clients.push(client));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** The connection that is open, or was last. */
  get client(): ScriptedClient {
    const client = this.clients.at(-1);
    if (!client) throw new Error('nobody has connected yet');
    return client;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve()));
    this.#forget = atExit(() => this.clients.forEach(({ socket }) => socket.destroy()));
  }

  async stop(): Promise<void> {
    this.#forget();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.clients.forEach(({ socket }) => socket.destroy());
    await closed;
  }

  /** Resolves with the n-th connection once it has sent a packet of the kind. */
  async connection(number: number, command: Command = 'connect', timeoutMs = 10_000): Promise<ScriptedClient> {
    const what = (): string => `a ${command} on connection ${number}, of ${this.clients.length}`;
    return until(
      () => {
        const client = this.clients[number - 1];
        return client && client.sent(command).length > 0 ? client : undefined;
      },
      { timeoutMs, everyMs: 5, what },
    );
  }

  #answer(packet: Packet, client: ScriptedClient): void {
    const answer = this.answers[packet.cmd] as ((packet: Packet, client: ScriptedClient) => void) | undefined;
    if (answer) answer(packet, client);
    else goodAnswer(packet, client);
  }
}

/** What a good broker answers: a new session, every filter granted, every publish taken. */
export function goodAnswer(packet: Packet, client: ScriptedClient): void {
  const messageId = packet.messageId!;
  if (packet.cmd === 'connect') accept(client);
  else if (packet.cmd === 'subscribe') {
    client.send({ cmd: 'suback', messageId, granted: packet.subscriptions.map(({ qos }) => qos) });
  } else if (packet.cmd === 'unsubscribe') {
    client.send({
      cmd: 'unsuback',
      messageId,
      granted: client.version === 5 ? packet.unsubscriptions.map(() => 0) : [],
    });
  } else if (packet.cmd === 'publish' && packet.qos === 1) client.send({ cmd: 'puback', messageId, reasonCode: 0 });
  else if (packet.cmd === 'pubrec') client.send({ cmd: 'pubrel', messageId, reasonCode: 0 });
  else if (packet.cmd === 'pingreq') client.send({ cmd: 'pingresp' });
}

export function accept(client: ScriptedClient, more: { sessionPresent?: boolean; properties?: object } = {}): void {
  const { sessionPresent = false, properties } = more;
  const code = client.version === 5 ? { reasonCode: 0, properties } : { returnCode: 0 };
  client.send({ cmd: 'connack', sessionPresent, ...code });
}

export async function startScriptedBroker(): Promise<ScriptedBroker> {
  const broker = new ScriptedBroker();
  await broker.listen();
  return broker;
}
