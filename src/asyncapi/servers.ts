import { own, textOf } from './json.js';
import { speaksMqtt, type Reading } from './operations.js';
import type { Node } from './references.js';

const SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;
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
  warnOfPath(first, warnings);
  const url = urlOf(first);
  if (url !== undefined && PLAIN_URL.test(url) && URL.canParse(url)) return url;
  warnings.add(first, 'its address cannot be used as it is; broker.url is left to you');
  return undefined;
}

/** Some write there what all topics begin with, and some what only a web server has: nobody can tell which it is. */
function warnOfPath(server: Node, warnings: Reading['warnings']): void {
  const [, path = ''] = /^[^/]*\/(.+)$/.exec(addressIn(server)?.replace(SCHEME, '') ?? '') ?? [];
  if (path === '' || schemeOf(textOf(own(server.value, 'protocol')) ?? '').startsWith('ws')) return;
  warnings.add(
    server,
    `a broker has no path: ${path} is left out; if topics begin with it, write it before the filters`,
  );
}

function addressIn({ value }: Node): string | undefined {
  const host = textOf(own(value, 'host'));
  if (host === undefined) return textOf(own(value, 'url'));
  return `${host}/${textOf(own(value, 'pathname'))?.replace(/^\//, '') ?? ''}`;
}

/** 2.x has a `url`, 3.x has `host` and `pathname`. */
function urlOf(node: Node): string | undefined {
  const { value } = node;
  const variables = own(value, 'variables');
  const filled = (text: string): string =>
    text.replace(/\{([^{}]*)\}/g, (all, name: string) => {
      const variable = own(variables, name);
      const values = own(variable, 'enum');
      const chosen = own(variable, 'default') ?? (Array.isArray(values) ? (values as unknown[])[0] : undefined);
      return typeof chosen === 'string' || typeof chosen === 'number' ? String(chosen) : all;
    });
  const address = addressIn(node);
  if (address === undefined) return undefined;
  const scheme = schemeOf(textOf(own(value, 'protocol')) ?? 'mqtt');
  const bare = filled(address)
    .replace(SCHEME, '')
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
