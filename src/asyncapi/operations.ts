import { isObject, own, textOf } from './json.js';
import type { Node, References } from './references.js';
import type { Warnings } from './warnings.js';

/** One thing that the gateway would do, whatever version of AsyncAPI said it. */
export interface Operation {
  action: 'receive' | 'send';
  /** Absent: the document gives none. */
  name?: string;
  address: string;
  channel: Node;
  qos?: number;
  /** Each with the name it goes by, if it has any. */
  messages: { node: Node; key?: string }[];
  place: Node;
}

/** Whose operations they are: those of the application that the document describes, or of whoever talks with it. */
export type Perspective = 'application' | 'client';

export interface Reading {
  references: References;
  warnings: Warnings;
  perspective: Perspective;
}

/** `does`: what the application that is described does. */
export function actionOf(does: Operation['action'], perspective: Perspective): Operation['action'] {
  if (perspective === 'application') return does;
  return does === 'receive' ? 'send' : 'receive';
}

/** The operation's own, or else that of the last trait that has it. */
export function inherited(node: Node, references: References, ...path: string[]): unknown {
  const mine = references.at(node, ...path).value;
  if (mine !== undefined) return mine;
  const traits = references.children(references.at(node, 'traits')).toReversed();
  return traits.map(([, trait]) => references.at(trait, ...path).value).find((value) => value !== undefined);
}

/** FastStream says the topic in a binding of the channel, and adds the operation's name to the address. */
export function addressOf(channel: Node, { references }: Reading, written: unknown): string | undefined {
  return textOf(references.at(channel, 'bindings', 'mqtt', 'topic').value) ?? textOf(written);
}

export function qosOf(operation: Node, channel: Node, { references, warnings }: Reading): number | undefined {
  const path = ['bindings', 'mqtt', 'qos'];
  const qos = inherited(operation, references, ...path) ?? references.at(channel, ...path).value;
  if (qos === undefined || qos === 0 || qos === 1 || qos === 2) return qos;
  warnings.add(operation, 'its qos is none of 0, 1, 2; left out');
  return undefined;
}

/** Whether MQTT is spoken at one of the servers that a channel is at. */
export function isOverMqtt(channel: Node, { references, warnings }: Reading): boolean {
  const all = references.children(references.at(references.root, 'servers'));
  const spoken = all.filter(([, server]) => speaksMqtt(references.at(server).value));
  const listed = references.at(channel, 'servers');
  if (spoken.length === 0 || !Array.isArray(listed.value) || listed.value.length === 0) return true;
  const places = new Set(spoken.map(([, server]) => references.at(server).place));
  const names = new Set(spoken.map(([name]) => name));
  const here = references.children(listed).some(([, server]) => {
    return typeof server.value === 'string' ? names.has(server.value) : places.has(references.follow(server).place);
  });
  if (!here) warnings.add(channel, 'none of its servers speaks MQTT; left out');
  return here;
}

const MQTT = /^(secure-)?mqtts?5?$|^(mqtt|mqtts)[+-]?(ws|wss)?$/i;
const WEB_SOCKET = /^wss?$/i;

/** MQTT over WebSocket is written `ws` with a binding for MQTT. */
export function speaksMqtt(server: unknown): boolean {
  const protocol = textOf(own(server, 'protocol')) ?? '';
  if (MQTT.test(protocol)) return true;
  const bindings = own(server, 'bindings');
  return WEB_SOCKET.test(protocol) && isObject(bindings) && Object.hasOwn(bindings, 'mqtt');
}
