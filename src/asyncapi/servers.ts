import { own, textOf } from './json.js';
import { speaksMqtt, type Reading } from './operations.js';
import type { Node } from './references.js';

const PLAIN_URL = /^(mqtts?|wss?):\/\/[^\s/{}$@]+(\/[^\s{}$@]*)?$/;

/** The address of the first server that speaks MQTT; undefined when there is none that can be written down. */
export function brokerUrl({ references, warnings }: Reading): string | undefined {
  const servers = references.children(references.at(references.root, 'servers'));
  const nodes = servers.map(([, server]) => references.follow(server));
  const spoken = nodes.filter(({ value }) => speaksMqtt(value));
  if (nodes.length > 0 && spoken.length === 0) {
    warnings.add(references.at(references.root, 'servers'), 'none of the servers speaks MQTT');
  }
  const [first, ...others] = spoken;
  if (!first) return undefined;
  for (const other of others) warnings.add(other, 'the gateway has one broker; this server is left out');
  const url = urlOf(first);
  if (url !== undefined && PLAIN_URL.test(url) && URL.canParse(url)) return url;
  warnings.add(first, 'its address cannot be used as it is; broker.url is left to you');
  return undefined;
}

/** 2.x has a `url`, 3.x has `host` and `pathname`. */
function urlOf({ value }: Node): string | undefined {
  const variables = own(value, 'variables');
  const filled = (text: string): string =>
    text.replace(/\{([^{}]*)\}/g, (all, name: string) => {
      const variable = own(variables, name);
      const values = own(variable, 'enum');
      const chosen = own(variable, 'default') ?? (Array.isArray(values) ? (values as unknown[])[0] : undefined);
      return typeof chosen === 'string' || typeof chosen === 'number' ? String(chosen) : all;
    });
  const url = textOf(own(value, 'url'));
  const host = textOf(own(value, 'host'));
  const address = url ?? (host === undefined ? undefined : `${host}${textOf(own(value, 'pathname')) ?? ''}`);
  if (address === undefined) return undefined;
  const scheme = schemeOf(textOf(own(value, 'protocol')) ?? 'mqtt');
  const bare = filled(address)
    .replace(/^[a-z][a-z\d+.-]*:\/\//i, '')
    .replace(/^[^@/]*@/, '')
    .replace(/\/$/, '');
  // A broker has no path; behind WebSocket it may.
  return `${scheme}://${scheme.startsWith('ws') ? bare : bare.split('/', 1)[0]}`;
}

function schemeOf(protocol: string): string {
  const secure = /^secure-|mqtts|wss$/i.test(protocol);
  if (/ws/i.test(protocol)) return secure ? 'wss' : 'ws';
  return secure ? 'mqtts' : 'mqtt';
}
