/** The texts of this field: filters, addresses, names, secrets. */
import { parsePlace } from '../domain/instant.js';
import { jsonPointerProblem, POINTER_CHARACTERS_MAX } from '../domain/json-pointer.js';
import { parameterised, parameterProblem } from '../domain/topic-parameters.js';
import { ownProblem, TEXT_BYTES_MAX, topicFilterProblem, topicNameProblem } from '../domain/topic.js';
import type { StartFrom } from '../domain/subscriber.js';
import { text } from './scalar.js';
import type { MapShape, ScalarShape } from './shape.js';

const TOPIC_CHARACTERS_MAX = 65_535; // [MQTT-4.7.3-3]
const PATH_CHARACTERS_MAX = 4_096;

interface FilterRules {
  /** `$share/…`: only where we subscribe at the broker. */
  shared?: boolean;
  /** `$holdfast/…`: only of our own subscribers. */
  own?: boolean;
  /** `{name}` for a level: only where a contract looks at topics. */
  named?: boolean;
}

/** A topic filter. */
export function topicFilter({ shared = false, own = false, named = false }: FilterRules = {}): ScalarShape {
  return text({
    max: TOPIC_CHARACTERS_MAX,
    check: (filter) => {
      if (!shared && filter.startsWith('$share/')) return 'may not be a shared filter: only subscriptions share';
      const problem = topicFilterProblem(filter) ?? (named ? parameterProblem(filter) : undefined);
      if (problem !== undefined) return `is not a topic filter: ${problem}`;
      if (!named && parameterised(filter).parameters.length > 0)
        return 'names a level, as only subscriptions do: write +';
      const ownTopics = own ? undefined : ownProblem(filter);
      return ownTopics === undefined ? undefined : `reaches what is not the broker’s: ${ownTopics}`;
    },
    mend: 'Write a filter such as devices/+/telemetry or devices/#.',
  });
}

/** A topic that can be published to. */
export const topicName = text({
  max: TOPIC_CHARACTERS_MAX,
  check: (topic) => {
    const problem = topicNameProblem(topic);
    return problem === undefined ? undefined : `is not a topic name: ${problem}`;
  },
  mend: 'Write a topic without wildcards, such as gateways/gateway-7/status.',
});

/** A will's payload may be no longer [MQTT 5.0, 1.5.6], and a birth message needs no more. */
export const presencePayload = text({
  min: 0,
  max: TEXT_BYTES_MAX,
  check: (payload) =>
    Buffer.byteLength(payload) > TEXT_BYTES_MAX ? `must not be longer than ${TEXT_BYTES_MAX} bytes` : undefined,
  mend: 'Write a short text in quotes.',
});

/** An absolute URL with one of the protocols, a host, and no credentials: addresses are logged and shown. */
export function address(protocols: string[], example: string, credentials: string): ScalarShape {
  const starts = protocols.map((protocol) => `${protocol}://`);
  return text({
    max: 2_048,
    check: (url) => {
      const parsed = URL.parse(url);
      if (!starts.some((start) => url.toLowerCase().startsWith(start))) return `must start with ${starts.join(' or ')}`;
      if (!parsed || parsed.hostname === '' || /[\s\p{C}]/u.test(url)) return 'is not an address';
      if (parsed.port === '0') return 'names port 0, where nothing can listen';
      if (parsed.username !== '' || parsed.password !== '') return `must not hold credentials; ${credentials}`;
      return undefined;
    },
    mend: `Write the whole address, such as ${example}.`,
    schema: { pattern: `^(${protocols.join('|')})://|\\$\\{` },
  });
}

/** A file or folder, relative to the configuration file. */
export const filePath = text({ max: PATH_CHARACTERS_MAX, mend: 'Write a path; it is relative to this file.' });

/** `file#Export`. */
export const classReference = text({
  max: PATH_CHARACTERS_MAX,
  check: (reference) => (/^[^#]+#[A-Za-z_$][\w$]*$/.test(reference) ? undefined : 'must be written file#Export'),
  mend: 'Write the JavaScript file and the name it exports, such as contracts/gateway-event.js#GatewayEvent.',
});

/** Where a value stands in the payload. */
export const jsonPointer = text({
  max: POINTER_CHARACTERS_MAX,
  check: (pointer) => {
    const problem = jsonPointerProblem(pointer);
    return problem === undefined ? undefined : `is not a JSON pointer: ${problem}`;
  },
  mend: 'Write where the value stands in the payload, such as /deviceId.',
});

/** Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. */
export const signingSecret = text({
  max: 256,
  check: (secret) => {
    if (!secret.startsWith('whsec_')) return 'must start with whsec_';
    const encoded = secret.slice('whsec_'.length);
    const bytes = Buffer.from(encoded, 'base64');
    if (bytes.toString('base64') !== encoded) return 'must be whsec_ and then base64, with its padding';
    return bytes.length < 24 || bytes.length > 64 ? 'must hold 24 to 64 bytes after whsec_' : undefined;
  },
  mend: 'Make one: echo "whsec_$(openssl rand -base64 32)"',
});

/** The token of `Authorization: Bearer`. */
export const bearerToken = text({
  max: 4_096,
  check: (token) => (/^[\x21-\x7e]+$/.test(token) ? undefined : 'must be printable ASCII without spaces'),
  mend: 'Make one: openssl rand -hex 32',
});

export const headerValue = text({
  min: 0,
  max: 8_192,
  check: (value) => (/^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? undefined : 'has characters that no header may have'),
  mend: 'Use one line of Latin-1 text.',
});

/** Header names; those that `reserved` matches belong to the gateway. */
export function headerName(reserved: RegExp): MapShape['checkName'] {
  return (name) => {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(name) || /^(__proto__|constructor)$/.test(name)) {
      return { message: 'is not a header name', mend: 'Use letters, digits and hyphens.' };
    }
    if (!reserved.test(name)) return undefined;
    return { message: 'is a header that the gateway sets itself', mend: 'Remove it.' };
  };
}

/** A metric label and part of addresses: `[a-z0-9][a-z0-9._-]{0,62}`. */
export const identifier = text({
  max: 63,
  check: (id) =>
    /^[a-z0-9][a-z0-9._-]*$/.test(id) ? undefined : 'must be lower-case letters, digits, ".", "_" or "-"',
  mend: 'Write up to 63 of a-z 0-9 . _ - and start with a letter or digit.',
  schema: { pattern: '^[a-z0-9][a-z0-9._-]{0,62}$|\\$\\{' },
});

export function contractName(name: string): { message: string; mend: string } | undefined {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name) && name !== 'constructor') return undefined;
  return {
    message: 'is not a name for a contract',
    mend: 'Write up to 63 letters, digits, ".", "_" or "-" and start with a letter or digit.',
  };
}

/** `now`, `earliest`, a position from 1, or an instant; undefined when the text is none of them. */
export function parseStartFrom(text: string): StartFrom | undefined {
  if (text === 'now' || text === 'earliest') return text;
  return parsePlace(text);
}

const START_FROM_MEND = 'Write now, earliest, a position such as 17, or a time such as 2026-01-31T12:00:00Z.';

export const startFrom: ScalarShape = {
  kind: 'scalar',
  reads: 'source',
  schema: { type: ['string', 'integer'] },
  check: (value) =>
    typeof value === 'string' && parseStartFrom(value) !== undefined
      ? undefined
      : { message: 'must be now, earliest, a position or a time', mend: START_FROM_MEND },
};
