import { isUtf8 } from 'node:buffer';
import type { Record } from '../../domain/record.js';
import type { ParametersOf } from '../../domain/topic-parameters.js';
import { declaredMediaType, isJsonType, UNKNOWN_TYPE } from './media-type.js';
import { percentEncodedPair } from './percent.js';
import { traceOf } from './trace.js';

/** What an event is, unless something else is said. */
export const MESSAGE_TYPE = 'mqtt.message';

type Pair = readonly [name: string, value: string];

const BYTE_ORDER_MARK = 0xef;
const END = Buffer.from('}');

/**
 * One record as a CloudEvent in JSON, as UTF-8: what `cloudevents-structured` sends, and an item of what
 * `cloudevents-batch` sends. The MQTT facts have the names of the binary mode's headers without the hyphens.
 *
 * A payload that is JSON is `data` in its own text, so that no digit and no order of keys is lost. It counts as JSON
 * when it parses as such and its content type says so, or says nothing. Any other payload is `data_base64`.
 * @param source value of the attribute `source`
 * @param type of the attribute `type`
 */
export function structuredEvent(
  record: Record,
  source: string,
  type = MESSAGE_TYPE,
  parametersOf?: ParametersOf,
): Buffer {
  const parameters = Object.entries(parametersOf?.(record.topic) ?? {});
  const head = (contentType: string | undefined): string => headOf(record, source, type, contentType, parameters);
  const payload = bufferOf(record.payload);
  const declared = declaredMediaType(record.properties?.contentType);
  if (payload.length === 0) return Buffer.from(`${head(declared)}}`);
  if ((declared === undefined || isJsonType(declared)) && isJson(payload)) {
    const start = Buffer.from(`${head(declared ?? 'application/json')},"data":`);
    return Buffer.concat([start, payload, END]);
  }
  // Without a type a reader would take the bytes for JSON.
  return Buffer.from(`${head(declared ?? UNKNOWN_TYPE)},"data_base64":"${payload.toString('base64')}"}`);
}

/** The attributes, up to where the data follows. */
function headOf(...of: Parameters<typeof attributesOf>): string {
  return JSON.stringify(attributesOf(...of)).slice(0, -1);
}

function attributesOf(
  record: Record,
  source: string,
  type: string,
  dataContentType: string | undefined,
  parameters: readonly Pair[],
): object {
  const { id, topic, qos, retain, receivedAt, position, properties } = record;
  const { contentType, responseTopic, correlationData, userProperties } = properties ?? {};
  const trace = userProperties && traceOf(userProperties);
  return {
    specversion: '1.0',
    id,
    source,
    type,
    subject: topic,
    time: new Date(receivedAt).toISOString(),
    sequence: `${position}`.padStart(20, '0'),
    datacontenttype: dataContentType,
    mqtttopic: topic,
    mqttqos: qos,
    mqttretain: retain,
    mqttcontenttype: contentType,
    mqttresponsetopic: responseTopic,
    mqttcorrelationdata: correlationData,
    // An attribute is no list: pairs are written and joined as a server joins the headers of the binary mode.
    mqttuserproperty: userProperties && joined(userProperties),
    mqtttopicparameter: parameters.length === 0 ? undefined : joined(parameters),
    traceparent: trace?.parent,
    tracestate: trace?.state,
  };
}

function joined(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => percentEncodedPair(name, value)).join(',');
}

/** Whether the bytes may stand in a JSON text as they are. */
function isJson(payload: Buffer): boolean {
  if (payload[0] === BYTE_ORDER_MARK || !isUtf8(payload)) return false;
  try {
    JSON.parse(payload.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
