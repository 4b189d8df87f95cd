import { own } from './json.js';
import { actionOf, addressOf, isOverMqtt, qosOf, type Operation, type Reading } from './operations.js';
import type { Node } from './references.js';

/** AsyncAPI 3.x writes from the application's side: it receives and it sends. */
export function operationsOf3(reading: Reading): Operation[] {
  const { references, warnings } = reading;
  return references.children(references.at(references.root, 'operations')).flatMap(([name, item]) => {
    const place = references.follow(item);
    const does = own(place.value, 'action');
    if (does !== 'receive' && does !== 'send') {
      warnings.add(place, 'its action is neither receive nor send; left out');
      return [];
    }
    const found = operationOf(name, does, place, reading);
    return [...found, ...replyOf(name, does === 'receive' ? 'send' : 'receive', place, reading)];
  });
}

/** @param place the operation or its reply: both have a channel and messages */
function operationOf(name: string, does: Operation['action'], place: Node, reading: Reading): Operation[] {
  const { references, warnings } = reading;
  const channel = references.at(place, 'channel');
  const address = addressOf(channel, reading, own(channel.value, 'address'));
  if (address === undefined) {
    if (channel.value === undefined) warnings.add(place, 'has no channel; left out');
    else warnings.add(channel, 'has no address; left out');
    return [];
  }
  if (!isOverMqtt(channel, reading)) return [];
  const action = actionOf(does, reading.perspective);
  const messages = messagesOf(place, channel, reading);
  return [{ action, name, address, channel, qos: qosOf(place, channel, reading), messages, place }];
}

/** An operation that names none may carry all of its channel's. */
function messagesOf(place: Node, channel: Node, { references }: Reading): Operation['messages'] {
  const chosen = references.at(place, 'messages');
  if (!Array.isArray(chosen.value)) {
    const all = references.children(references.at(channel, 'messages'));
    return all.map(([key, node]) => ({ key, node: references.follow(node) }));
  }
  return references.children(chosen).map(([, node]) => {
    const ref = own(node.value, '$ref');
    const key = typeof ref === 'string' ? ref.split('/').at(-1) : undefined;
    return { key, node: references.follow(node) };
  });
}

/** The answer goes the other way, over a channel of its own. */
function replyOf(name: string, does: Operation['action'], place: Node, reading: Reading): Operation[] {
  const { references, warnings } = reading;
  const reply = references.at(place, 'reply');
  if (reply.value === undefined) return [];
  const channel = references.at(reply, 'channel');
  if (addressOf(channel, reading, own(channel.value, 'address')) === undefined) {
    warnings.add(reply, 'the reply goes to an address that each message names; nothing is written for it');
    return [];
  }
  return operationOf(`${name}-reply`, does, reply, reading);
}
