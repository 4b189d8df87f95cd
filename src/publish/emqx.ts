import { pointerTo } from '../domain/request-problem.js';
import { anything, flag, mapOf, objectKeywords, optional, Schema, text, words } from '../domain/schema.js';

/** The body of EMQX's own publish API, so that its callers need nothing but another address. */

export interface Fields {
  [name: string]: unknown;
}

/** EMQX's names within `properties`, and ours. */
const PROPERTIES: { readonly [theirs: string]: string } = {
  content_type: 'contentType',
  correlation_data: 'correlationData',
  message_expiry_interval: 'expirySeconds',
  response_topic: 'responseTopic',
  user_properties: 'userProperties',
};

/** The body as its users send it; what it shares with ours may be in ours, too. */
export const emqxBody = new Schema<object>({
  description: 'The body of EMQX’s publish API. `clientid` is ignored, and `qos` is 1 unless it says otherwise.',
  ...objectKeywords({
    topic: text.with({ minLength: 1 }),
    payload: anything,
    payload_encoding: optional(words('plain', 'base64').says('`base64`: the payload is a string of it.')),
    qos: optional(words(0, 1)),
    retain: optional(flag),
    clientid: optional(anything),
    properties: optional(
      new Schema<object>({
        ...objectKeywords({
          payload_format_indicator: optional(words(0, 1)),
          message_expiry_interval: optional(
            new Schema<number>({ type: 'integer', minimum: 0 }).says('Seconds; 0: it does not expire.'),
          ),
          response_topic: optional(text.with({ minLength: 1 })),
          correlation_data: optional(text.says('As text, not base64.')),
          content_type: optional(text),
          user_properties: optional(
            mapOf(new Schema<unknown>({ type: ['string', 'number', 'boolean', 'array'], items: text })),
          ),
        }),
        additionalProperties: false,
      }),
    ),
  }),
  additionalProperties: false,
}).named('EmqxPublishBody');

export const ONE_PAYLOAD = 'give exactly one of payload and payloadBase64';

export interface Understood {
  /** In our words. What has none is there as it came, and is an unknown key. */
  fields: Fields;
  /** JSON pointers of what has another place in the body than in `fields`. */
  pointers: { [name: string]: string };
  payloadFormatIndicator?: boolean;
}

/** @param add is told what is wrong with what only EMQX has @param full whether it wants no more */
export function understand(
  body: Fields,
  add: (pointer: string, message: string) => void,
  full: () => boolean = () => false,
): Understood {
  const { payload_encoding: encoding, properties, ...fields } = body;
  delete fields['clientid']; // deprecated there, and a publish of ours has no other client than the link
  const understood: Understood = { fields, pointers: {} };
  if (encoding !== undefined && encoding !== null) {
    if (encoding === 'base64' && 'payload' in fields) {
      const { payload, payloadBase64 = null } = fields;
      if (payloadBase64 !== null) add('/payload', ONE_PAYLOAD);
      fields['payloadBase64'] = typeof payload === 'string' ? payload.replace(/[\r\n]/g, '') : payload;
      understood.pointers['payloadBase64'] = '/payload';
      delete fields['payload'];
    } else if (encoding !== 'plain') add('/payload_encoding', 'must be plain or base64, beside a payload');
  }
  if (typeof properties === 'object' && properties !== null && !Array.isArray(properties)) {
    for (const [name, value] of Object.entries(properties)) {
      if (full()) break;
      readProperty(name, value, understood, add);
    }
  } else if (properties !== undefined && properties !== null) add('/properties', 'must be an object');
  return understood;
}

function readProperty(
  name: string,
  value: unknown,
  understood: Understood,
  add: (pointer: string, message: string) => void,
): void {
  const pointer = pointerTo('properties', name);
  const { fields, pointers } = understood;
  if (value === null) return;
  if (name === 'payload_format_indicator') {
    if (value === 0 || value === 1) understood.payloadFormatIndicator = value === 1;
    else add(pointer, 'must be 0 or 1');
    return;
  }
  const ours = Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name]! : undefined;
  if (ours === undefined || ours in fields) {
    add(pointer, ours === undefined ? 'is not a known property' : `is here twice: also as ${ours}`);
    return;
  }
  pointers[ours] = pointer;
  const read = READ[ours] ? READ[ours](value) : value;
  if (read !== null) fields[ours] = read;
}

/** What EMQX takes, as we do; null: as if it were left out. */
const READ: { readonly [ours: string]: (value: unknown) => unknown } = {
  // EMQX takes text here; we take base64, which can hold any bytes.
  correlationData: (value) => (typeof value === 'string' ? Buffer.from(value).toString('base64') : value),
  expirySeconds: (value) => (value === 0 ? null : value),
  userProperties: (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const text = (one: unknown): unknown => (typeof one === 'number' || typeof one === 'boolean' ? String(one) : one);
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, text(one)]));
  },
};
