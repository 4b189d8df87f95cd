/** Reads along on the wire between gateway and broker: which messages were acknowledged is known exactly. */
import mqttPacket, { type Packet, type Parser } from 'mqtt-packet';
import type { TcpProxy } from './tcp-proxy.js';

export interface Tapped {
  /** Every QoS 1 and 2 PUBLISH the broker sent, by connection, in order. */
  received: { connection: number; packetId: number; payload: Buffer }[];
  /** Payloads whose PUBACK or PUBREC the broker side was given, as text. */
  acknowledged: Set<string>;
  /** Acknowledged on the wire without having been sent on that connection before. */
  unasked: number;
  /** Acknowledgements that overtook an earlier message of their connection [MQTT-4.6.0-2]. */
  outOfOrder: number;
}

/** @param protocolVersion what the gateway speaks */
export function tapMqtt(proxy: TcpProxy, protocolVersion: 4 | 5 = 5): Tapped {
  const tapped: Tapped = { received: [], acknowledged: new Set(), unasked: 0, outOfOrder: 0 };
  const parsers = new Map<string, Parser>();
  /** By connection: what was sent and not yet acknowledged, in order. */
  const open = new Map<number, { packetId: number; payload: Buffer }[]>();
  const heard = (connection: number, packet: Packet): void => {
    const waiting = open.get(connection) ?? [];
    open.set(connection, waiting);
    if (packet.cmd === 'publish' && packet.qos > 0) {
      const sent = { packetId: packet.messageId!, payload: packet.payload as Buffer };
      tapped.received.push({ connection, ...sent });
      waiting.push(sent);
    } else if (packet.cmd === 'puback' || packet.cmd === 'pubrec') {
      const place = waiting.findIndex(({ packetId }) => packetId === packet.messageId);
      if (place === -1) return void tapped.unasked++;
      if (place > 0) tapped.outOfOrder++;
      tapped.acknowledged.add(waiting.splice(place, 1)[0]!.payload.toString());
    }
  };
  proxy.tap = (connection, from, chunk) => {
    const name = `${connection} ${from}`;
    let parser = parsers.get(name);
    if (!parser) {
      parser = mqttPacket.parser({ protocolVersion });
      parser.on('packet', (packet) => {
        // Each side's acknowledgements of its own publishes stay out of it.
        const incoming = from === 'target' ? packet.cmd === 'publish' : /^pub(ack|rec)$/.test(packet.cmd);
        if (incoming) heard(connection, packet);
      });
      parsers.set(name, parser);
    }
    parser.parse(chunk);
  };
  return tapped;
}
