import type { Record } from '../../domain/record.js';
import type { SubscriberSettings } from '../../domain/subscriber.js';
import type { ParametersOf } from '../../domain/topic-parameters.js';
import { BATCH_CONTENT_TYPE } from './batch-body.js';
import { declaredMediaType, JSON_TYPE, UNKNOWN_TYPE } from '../../domain/media-type.js';
import { percentEncoded, percentEncodedPair } from '../../domain/percent.js';
import { MESSAGE_TYPE } from './structured.js';
import { traceOf } from '../../domain/trace.js';

/** What a message may add to the header lines of its request, names and separators counted. */
export const MESSAGE_HEADERS_BYTES_MAX = 32 * 1024;
/** Kept free for the two headers that say what was left out. */
const OMISSION_BYTES = 256;
const LINE_BYTES = 4; // colon, space, carriage return, line feed

/**
 * The headers that say what a record is: the same for every attempt. `cloudevents` is CloudEvents 1.0 in HTTP
 * binary mode, the body is the payload, as it came; `raw` is the same without the `ce-` headers. With
 * `cloudevents-structured` the body says it all, and what is left is its content type and the trace.
 */
export class MessageHeaders {
  readonly #cloudEvents: boolean;
  readonly #structured: boolean;
  readonly #decoded: boolean;
  readonly #source: string;

  /**
   * @param source value of `ce-source`
   * @param configured lower-case names of the subscriber's own headers; these win over `content-type` and
   *   the trace headers of a message
   */
  constructor(
    { format, payload }: Pick<SubscriberSettings, 'format' | 'payload'>,
    source: string,
    private readonly configured: ReadonlySet<string>,
    private readonly type = MESSAGE_TYPE,
  ) {
    this.#cloudEvents = format === 'cloudevents';
    this.#structured = format === 'cloudevents-structured';
    this.#decoded = payload === 'json';
    this.#source = percentEncoded(source);
  }

  /**
   * Name, value, name, value, … within {@link MESSAGE_HEADERS_BYTES_MAX}; what did not fit is named.
   * @param traceparent of the attempt; absent: what the message says of itself is passed on
   */
  of(record: Record, parametersOf?: ParametersOf, traceparent?: string): string[] {
    const lines = new HeaderLines();
    const { properties } = record;
    if (!this.configured.has('content-type')) lines.add('content-type', this.#contentTypeOf(record));
    this.#addTrace(lines, properties?.userProperties, traceparent);
    if (this.#structured) return lines.finish();
    const topic = percentEncoded(record.topic);
    lines.add('mqtt-qos', `${record.qos}`);
    lines.add('mqtt-retain', record.retain ? 'true' : 'false');
    if (this.#cloudEvents) this.#addCloudEvent(lines, record);
    lines.add('mqtt-topic', topic);
    if (this.#cloudEvents) lines.add('ce-subject', topic);
    for (const [name, value] of Object.entries(parametersOf?.(record.topic) ?? {})) {
      lines.add('mqtt-topic-parameter', percentEncodedPair(name, value));
    }
    if (properties) this.#addProperties(lines, properties);
    return lines.finish();
  }

  /** Of a batch, whose body says what its records are. */
  ofBatch(traceparent?: string): string[] {
    const lines = this.configured.has('content-type') ? [] : ['content-type', BATCH_CONTENT_TYPE];
    if (traceparent !== undefined && !this.configured.has('traceparent')) lines.push('traceparent', traceparent);
    return lines;
  }

  #contentTypeOf({ properties }: Record): string {
    if (this.#structured) return 'application/cloudevents+json';
    return this.#decoded ? JSON_TYPE : (declaredMediaType(properties?.contentType) ?? UNKNOWN_TYPE);
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
    for (const [name, value] of userProperties) {
      if (!lines.addUserProperty(percentEncodedPair(name, value))) return;
    }
  }

  #addTrace(
    lines: HeaderLines,
    userProperties: readonly (readonly [string, string])[] | undefined,
    traceparent: string | undefined,
  ): void {
    if (this.configured.has('traceparent')) return;
    if (traceparent !== undefined) return lines.add('traceparent', traceparent);
    const trace = userProperties && traceOf(userProperties);
    if (!trace) return;
    lines.add('traceparent', trace.parent);
    if (trace.state !== undefined) lines.add('tracestate', trace.state);
  }
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
