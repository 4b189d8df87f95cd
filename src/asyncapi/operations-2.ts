import { own, textOf } from './json.js';
import { actionOf, addressOf, isOverMqtt, qosOf, type Operation, type Reading } from './operations.js';
import type { Node } from './references.js';

/**
 * AsyncAPI 2.x writes from outside: `publish` is what others may publish, which the application receives; `subscribe`
 * is what others may subscribe to, which it sends.
 */
const DOES = { publish: 'receive', subscribe: 'send' } as const;

export function operationsOf2(reading: Reading): Operation[] {
  const { references } = reading;
  return references.children(references.at(references.root, 'channels')).flatMap(([address, item]) => {
    const channel = references.follow(item);
    const kinds = (['publish', 'subscribe'] as const).filter((kind) => own(channel.value, kind) !== undefined);
    if (kinds.length > 0 && !isOverMqtt(channel, reading)) return [];
    return kinds.map((kind): Operation => {
      const place = references.at(channel, kind);
      return {
        action: actionOf(DOES[kind], reading.perspective),
        name: textOf(own(place.value, 'operationId')),
        address: addressOf(channel, reading, address) ?? '',
        channel,
        qos: qosOf(place, channel, reading),
        messages: messagesOf(place, reading),
        place,
      };
    });
  });
}

function messagesOf(operation: Node, { references }: Reading): Operation['messages'] {
  const message = references.at(operation, 'message');
  const choices = references.at(message, 'oneOf');
  if (Array.isArray(choices.value)) {
    return references.children(choices).map(([, choice]) => ({ node: references.follow(choice) }));
  }
  return message.value === undefined ? [] : [{ node: message }];
}
