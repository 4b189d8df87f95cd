import type { Record } from '../../domain/record.js';
import type { SubscriberSettings } from '../../domain/subscriber.js';
import { BATCH_CONTENT_TYPE } from './batch-body.js';
import { percentEncoded, percentEncodedPair } from './percent.js';

/** What a message may add to the header lines of its request, names and separators counted. */
export const MESSAGE_HEADERS_BYTES_MAX = 32 * 1024;
/** Kept free for the two headers that say what was left out. */
const OMISSION_BYTES = 256;
const LINE_BYTES = 4; // colon, space, carriage return, line feed
const CONTENT_TYPE_CHARACTERS_MAX = 256;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*"))*$`);
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACESTATE = /^[!-~](?:[ -~]{0,510}[!-~])?$/;

/**
 * The headers that say what a record is: the same for every attempt. The body is the payload, as it came.
 * `cloudevents` is CloudEvents 1.0 in HTTP binary mode; `raw` is the same without the `ce-` headers.
 */
export class MessageHeaders {
  readonly #cloudEvents: boolean;
  readonly #source: string;

  /**
   * @param source value of `ce-source`
   * @param configured lower-case names of the subscriber's own headers; these win over `content-type` and
   *   the trace headers of a message
   */
  constructor(
    format: SubscriberSettings['format'],
    source: string,
    private readonly configured: ReadonlySet<string>,
    private readonly type = 'mqtt.message',
  ) {
    this.#cloudEvents = format === 'cloudevents';
    this.#source = percentEncoded(source);
  }

  /** Name, value, name, value, … within {@link MESSAGE_HEADERS_BYTES_MAX}; what did not fit is named. */
  of(record: Record): string[] {
    const lines = new HeaderLines();
    const { properties } = record;
    const topic = percentEncoded(record.topic);
    if (!this.configured.has('content-type')) lines.add('content-type', contentTypeOf(properties?.contentType));
    lines.add('mqtt-qos', `${record.qos}`);
    lines.add('mqtt-retain', record.retain ? 'true' : 'false');
    if (this.#cloudEvents) this.#addCloudEvent(lines, record);
    lines.add('mqtt-topic', topic);
    if (this.#cloudEvents) lines.add('ce-subject', topic);
    if (properties) this.#addProperties(lines, properties);
    return lines.finish();
  }

  /** Of a batch, whose body says what its records are. */
  ofBatch(): string[] {
    return this.configured.has('content-type') ? [] : ['content-type', BATCH_CONTENT_TYPE];
  }

  #addCloudEvent(lines: HeaderLines, record: Record): void {
    lines.add('ce-specversion', '1.0');
    lines.add('ce-id', record.id);
    lines.add('ce-source', this.#source);
    lines.add('ce-type', this.type);
    lines.add('ce-time', new Date(record.receivedAt).toISOString());
    lines.add('ce-sequence', `${record.position}`.padStart(20, '0'));
  }

  #addProperties(lines: HeaderLines, properties: NonNullable<Record['properties']>): void {
    const { contentType, responseTopic, correlationData, userProperties } = properties;
    if (contentType !== undefined) lines.add('mqtt-content-type', percentEncoded(contentType));
    if (responseTopic !== undefined) lines.add('mqtt-response-topic', percentEncoded(responseTopic));
    if (correlationData !== undefined) lines.add('mqtt-correlation-data', percentEncoded(correlationData));
    if (!userProperties) return;
    if (!this.configured.has('traceparent')) addTrace(lines, userProperties);
    for (const [name, value] of userProperties) {
      if (!lines.addUserProperty(percentEncodedPair(name, value))) return;
    }
  }
}

/** A W3C trace context that the publisher put into its user properties; a malformed one is not passed on. */
function addTrace(lines: HeaderLines, userProperties: readonly (readonly [string, string])[]): void {
  let parent: string | undefined;
  let state: string | undefined;
  for (const [name, value] of userProperties) {
    if (name === 'traceparent') parent ??= value;
    else if (name === 'tracestate') state ??= value;
  }
  if (parent === undefined || !TRACEPARENT.test(parent)) return;
  lines.add('traceparent', parent);
  if (state !== undefined && TRACESTATE.test(state)) lines.add('tracestate', state);
}

/** The publisher's media type when it is one; a header line is no place for anything else. */
function contentTypeOf(contentType: string | undefined): string {
  if (contentType === undefined || contentType.length > CONTENT_TYPE_CHARACTERS_MAX) return 'application/octet-stream';
  return MEDIA_TYPE.test(contentType) ? contentType : 'application/octet-stream';
}

/** Header lines under a bound: an MQTT topic or property may be 64 KiB, and thrice that when encoded. */
class HeaderLines {
  readonly #lines: string[] = [];
  #bytes = 0;
  #omitted = '';
  #userPropertiesTruncated = false;

  add(name: string, value: string): void {
    if (this.#fits(name, value)) this.#lines.push(name, value);
    else this.#omitted += this.#omitted === '' ? name : `,${name}`;
  }

  /** Whether there was room for it. */
  addUserProperty(pair: string): boolean {
    if (this.#fits('mqtt-user-property', pair)) this.#lines.push('mqtt-user-property', pair);
    else this.#userPropertiesTruncated = true;
    return !this.#userPropertiesTruncated;
  }

  finish(): string[] {
    if (this.#userPropertiesTruncated) this.#lines.push('mqtt-user-property-truncated', 'true');
    if (this.#omitted !== '') this.#lines.push('holdfast-omitted', this.#omitted);
    return this.#lines;
  }

  #fits(name: string, value: string): boolean {
    const bytes = name.length + value.length + LINE_BYTES;
    if (this.#bytes + bytes > MESSAGE_HEADERS_BYTES_MAX - OMISSION_BYTES) return false;
    this.#bytes += bytes;
    return true;
  }
}
