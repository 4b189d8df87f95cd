import { isUtf8 } from 'node:buffer';
import type { MessageProperties } from '../../domain/message.js';
import type { Record } from '../../domain/record.js';
import type { ParametersOf } from '../../domain/topic-parameters.js';
import { declaredMediaType, isJsonType, JSON_TYPE, UNKNOWN_TYPE } from '../../domain/media-type.js';
import { percentEncodedPair } from '../../domain/percent.js';
import { traceOf } from '../../domain/trace.js';

/** What an event is, unless something else is said. */
export const MESSAGE_TYPE = 'mqtt.message';

export interface EventOptions {
  /** Value of the attribute `source`. */
  source: string;
  /** Of the attribute `type`. Default {@link MESSAGE_TYPE}. */
  type?: string | undefined;
  /** Names for levels of topics. */
  parametersOf?: ParametersOf | undefined;
  /** The payload is JSON that was made of what came, whatever content type that had. */
  decoded?: boolean;
}

type Pair = readonly [name: string, value: string];

const BYTE_ORDER_MARK = '\uFEFF';
const SEQUENCE_DIGITS = 20;

/** One record as a CloudEvent in JSON, as UTF-8: what `cloudevents-structured` sends. */
export function structuredEvent(record: Record, options: EventOptions): Buffer {
  return Buffer.from(structuredText(record, options));
}

/**
 * One record as a CloudEvent in JSON; an item of what `cloudevents-batch` sends. The MQTT facts have the names of the
 * binary mode's headers without the hyphens.
 *
 * A payload that is JSON is `data` in its own text, so that no digit and no order of keys is lost. It counts as JSON
 * when it parses as such and its content type says so, or says nothing. Any other payload is `data_base64`.
 */
export function structuredText(record: Record, options: EventOptions): string {
  const { id, topic, receivedAt, position, properties } = record;
  const declared = declaredMediaType(properties?.contentType);
  const [contentType, data] = dataOf(bufferOf(record.payload), declared, options.decoded === true);
  // Written by hand, because it is most of what a batch costs.
  const head =
    `{"specversion":"1.0","id":"${id}","source":${quoted(options.source)},"type":${quoted(options.type ?? MESSAGE_TYPE)}` +
    `,"subject":${quoted(topic)},"time":"${new Date(receivedAt).toISOString()}"` +
    `,"sequence":"${String(position).padStart(SEQUENCE_DIGITS, '0')}"`;
  const type = contentType === undefined ? '' : `,"datacontenttype":${quoted(contentType)}`;
  return `${head}${type}${mqttFacts(record, options.parametersOf)}${data}}`;
}

function dataOf(
  payload: Buffer,
  declared: string | undefined,
  decoded: boolean,
): [type: string | undefined, data: string] {
  if (decoded) return [JSON_TYPE, `,"data":${payload.toString('utf8')}`];
  if (payload.length === 0) return [declared, ''];
  const json = declared === undefined || isJsonType(declared) ? jsonText(payload) : undefined;
  if (json !== undefined) return [declared ?? JSON_TYPE, `,"data":${json}`];
  // Without a type a reader would take the bytes for JSON.
  return [declared ?? UNKNOWN_TYPE, `,"data_base64":"${payload.toString('base64')}"`];
}

function mqttFacts({ topic, qos, retain, properties }: Record, parametersOf: ParametersOf | undefined): string {
  const parameters = Object.entries(parametersOf?.(topic) ?? {});
  return (
    `,"mqtttopic":${quoted(topic)},"mqttqos":${qos},"mqttretain":${retain}` +
    (parameters.length === 0 ? '' : `,"mqtttopicparameter":${quoted(joined(parameters))}`) +
    (properties ? propertyFacts(properties) : '')
  );
}

function propertyFacts({ contentType, responseTopic, correlationData, userProperties }: MessageProperties): string {
  const trace = userProperties && traceOf(userProperties);
  const facts = JSON.stringify({
    mqttcontenttype: contentType,
    mqttresponsetopic: responseTopic,
    mqttcorrelationdata: correlationData,
    // An attribute is no list: pairs are written and joined as a server joins the headers of the binary mode.
    mqttuserproperty: userProperties && joined(userProperties),
    traceparent: trace?.parent,
    tracestate: trace?.state,
  }).slice(1, -1);
  return facts === '' ? '' : `,${facts}`;
}

function joined(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => percentEncodedPair(name, value)).join(',');
}

/** The payload's text when it may stand in a JSON text as it is. */
function jsonText(payload: Buffer): string | undefined {
  if (!isUtf8(payload)) return undefined;
  const text = payload.toString('utf8');
  if (text.startsWith(BYTE_ORDER_MARK)) return undefined;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
