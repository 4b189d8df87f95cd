import { withoutShare } from '../domain/topic.js';
import type { JsonObject } from './json.js';

/** A topic filter, some of whose levels may have names. */
export interface NamedFilter {
  filter: string;
  parameters?: readonly {
    name: string;
    /** Index of the level. */
    level: number;
    rules?: { pattern?: string; enum?: readonly string[]; maxLength?: number };
  }[];
}

/** A filter as a channel: `+` becomes a parameter, `#` stays, which AsyncAPI has no words for. */
export function channelOf({ filter, parameters = [] }: NamedFilter, messages: string[], purpose: string): JsonObject {
  const found: [string, JsonObject][] = [];
  const levels = withoutShare(filter)
    .split('/')
    .map((text, level) => {
      const named = parameters.find((one) => one.level === level);
      if (!named && text !== '+') return text;
      const name = named?.name ?? `level${level + 1}`;
      found.push([name, parameterOf(named?.rules)]);
      return `{${name}}`;
    });
  const rest = levels.at(-1) === '#' ? ' The # at the end stands for any number of levels.' : '';
  return {
    address: levels.join('/'),
    description: `${purpose}${rest}`,
    ...(found.length > 0 ? { parameters: Object.fromEntries(found) } : {}),
    ...(messages.length > 0
      ? { messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])) }
      : {}),
  };
}

type Rules = NonNullable<NamedFilter['parameters']>[number]['rules'];

function parameterOf(rules: Rules): JsonObject {
  const said = [
    'Any one level of the topic',
    ...(rules?.pattern === undefined ? [] : [`that matches ${rules.pattern}`]),
    ...(rules?.maxLength === undefined ? [] : [`of at most ${rules.maxLength} characters`]),
  ];
  return { description: `${said.join(' ')}.`, ...(rules?.enum ? { enum: [...rules.enum] } : {}) };
}
