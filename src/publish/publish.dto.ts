import 'reflect-metadata';
import { isUtf8 } from 'node:buffer';
import {
  IsBase64,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  Min,
  validateSync,
} from 'class-validator';
import { HoldfastError } from '../domain/errors.js';
import type { MessageProperties } from '../domain/message.js';
import type { Publish } from '../domain/publish.js';
import { Says } from '../domain/schema.js';
import { topicNameProblem } from '../domain/topic.js';
import { ONE_PAYLOAD, understand, type Fields } from './emqx.js';
import { memberText } from './json-text.js';
import { invalid, pointerTo, PROBLEMS_MAX, type RequestProblem } from '../domain/request-problem.js';
import { FIELD_BYTES_MAX, textProblem } from './text.js';

const EXPIRY_SECONDS_MAX = 4_294_967_295; // [MQTT 5.0, 3.3.2.3.3]
const USER_PROPERTIES_MAX = 100;
/** As JSON Schema can say it. */
const TOPIC = '^[^+#\\u0000-\\u001f\\u007f-\\u009f]+$';

/** The body of `POST /v1/publish`. Exactly one of `payload` and `payloadBase64`. Elsewhere null means: left out. */
export class PublishBody {
  @Says('Where to: no wildcards.', { minLength: 1, maxLength: FIELD_BYTES_MAX, pattern: TOPIC })
  @IsString()
  topic!: string;

  @Says('A string goes out as it is, any other JSON value as it is written.')
  @IsOptional()
  payload?: unknown;

  @Says('In place of `payload`: bytes.')
  @IsOptional()
  @IsBase64()
  payloadBase64?: string;

  @Says('QoS 2 is refused: an outbox promises at least once.', { enum: [0, 1] })
  @IsOptional()
  @IsIn([0, 1, 2])
  qos: 0 | 1 | 2 = 1;

  @Says('Whether the broker keeps it for those who subscribe later.')
  @IsOptional()
  @IsBoolean()
  retain = false;

  @Says('MQTT 5 content type.')
  @IsOptional()
  @IsString()
  contentType?: string;

  @Says('Seconds from now: after them it is sent no more, and the broker keeps it for nobody.')
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(EXPIRY_SECONDS_MAX)
  expirySeconds?: number;

  @Says('Where an answer is wanted: no wildcards.', { minLength: 1, maxLength: FIELD_BYTES_MAX, pattern: TOPIC })
  @IsOptional()
  @IsString()
  responseTopic?: string;

  @Says('Bytes that an answer repeats, as webhooks receive them in `mqtt-correlation-data`.')
  @IsOptional()
  @IsBase64()
  correlationData?: string;

  @Says('Names with a string, or an array of strings for a name that repeats.', {
    maxProperties: USER_PROPERTIES_MAX,
    additionalProperties: { type: ['string', 'array'], items: { type: 'string' } },
  })
  @IsOptional()
  @IsObject()
  userProperties?: { [name: string]: unknown };
}

type Add = (pointer: string, message: string | undefined) => void;

const KNOWN: ReadonlySet<string> = new Set(Object.keys(new PublishBody()));

/**
 * The body as what is to be published. Throws REQUEST_INVALID with every problem in `errors`, or QOS_UNSUPPORTED.
 * @param text the body as it was written: a payload that is no string goes out with its digits, names and order.
 * Absent: it is serialised
 * @param problemsMax after so many problems no more are looked for
 */
export function parsePublish(
  body: unknown,
  text?: () => string,
  problemsMax = PROBLEMS_MAX,
): Omit<Publish, 'id' | 'acceptedAt'> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([{ pointer: '', message: 'the body must be a JSON object' }]);
  }
  return parseFields(body as Fields, (publish) => payloadOf(publish, text), problemsMax);
}

/** @param payloadOf makes the payload of what has no problem; undefined: it cannot be made */
export function parseFields(
  body: Fields,
  payloadOf: (publish: PublishBody) => Uint8Array | undefined,
  problemsMax = PROBLEMS_MAX,
): Omit<Publish, 'id' | 'acceptedAt'> {
  const problems: RequestProblem[] = [];
  const add: Add = (pointer, message) => message !== undefined && problems.push({ pointer, message });
  const full = (): boolean => problems.length >= problemsMax;
  const { fields, pointers, payloadFormatIndicator } = understand(body, add, full);
  const pointerOf = (name: string): string => (Object.hasOwn(pointers, name) ? pointers[name]! : pointerTo(name));
  const addAt: Add = (name, message) => message !== undefined && !full() && add(pointerOf(name), message);
  const publish = filled(fields, addAt, full);
  if (full()) throw invalid(problems);
  for (const { property, constraints = {} } of isPlain(publish) ? [] : validateSync(publish)) {
    for (const message of Object.values(constraints)) addAt(property, message);
  }
  checkTexts(publish, addAt);
  if ((publish.payload !== undefined) === (publish.payloadBase64 !== undefined)) {
    addAt('payload', ONE_PAYLOAD);
  }
  const payload = problems.length === 0 ? payloadOf(publish) : undefined;
  if (problems.length === 0 && payload === undefined) addAt('payload', 'is nested too deeply');
  if (payloadFormatIndicator && payload && !isUtf8(payload)) {
    add('/properties/payload_format_indicator', 'says UTF-8, and the payload is not');
  }
  if (publish.qos === 2) {
    const message = 'QoS 2 is not offered for publishes';
    if (problems.length === 0) throw new HoldfastError('QOS_UNSUPPORTED', message);
    addAt('qos', message);
  }
  if (problems.length > 0) throw invalid(problems);
  return {
    topic: publish.topic,
    payload: payload!,
    qos: publish.qos === 0 ? 0 : 1,
    retain: publish.retain,
    properties: propertiesOf(publish, payloadFormatIndicator),
  };
}

/** By hand: class-transformer would drop keys of the payload that every object inherits, such as `constructor`. */
function filled(fields: Fields, add: Add, full: () => boolean): PublishBody {
  const publish = new PublishBody();
  for (const [name, value] of Object.entries(fields)) {
    if (full()) break;
    if (!KNOWN.has(name)) add(name, 'is not a known key');
    else if (value !== null || name === 'payload') Object.assign(publish, { [name]: value });
  }
  return publish;
}

/**
 * Whether the decorators would have nothing against it: so most publishes are, and to ask them costs a tenth of what
 * the whole call does. false: they must be asked.
 */
export function isPlain(publish: PublishBody): boolean {
  const { topic, qos, retain, contentType, responseTopic, expirySeconds, userProperties, ...base64 } = publish;
  const text = (value: unknown): boolean => value === undefined || typeof value === 'string';
  return (
    typeof topic === 'string' &&
    (qos === 0 || qos === 1) &&
    typeof retain === 'boolean' &&
    text(contentType) &&
    text(responseTopic) &&
    expirySeconds === undefined &&
    userProperties === undefined &&
    base64.payloadBase64 === undefined &&
    base64.correlationData === undefined
  );
}

/** What no decorator can say. */
function checkTexts(publish: PublishBody, add: Add): void {
  const { topic, payload, responseTopic, contentType, correlationData, userProperties } = publish;
  const text = (name: string, value: unknown, problem: (text: string) => string | undefined): void => {
    if (typeof value === 'string') add(name, problem(value));
  };
  text('topic', topic, (name) => topicNameProblem(name) ?? textProblem(name));
  text('responseTopic', responseTopic, (name) => topicNameProblem(name) ?? textProblem(name));
  text('contentType', contentType, textProblem);
  text('payload', payload, (whole) => (whole.isWellFormed() ? undefined : 'is not well-formed Unicode'));
  text('correlationData', correlationData, (base64) => {
    const long = Buffer.byteLength(base64, 'base64') > FIELD_BYTES_MAX;
    return long ? `has more than ${FIELD_BYTES_MAX} bytes` : undefined;
  });
  if (typeof userProperties === 'object' && userProperties !== null && !Array.isArray(userProperties)) {
    add('userProperties', userPropertiesProblem(userProperties));
  }
}

function userPropertiesProblem(properties: { [name: string]: unknown }): string | undefined {
  const pairs = pairsOf(properties);
  if (pairs.length > USER_PROPERTIES_MAX) return `has more than ${USER_PROPERTIES_MAX} user properties`;
  if (!pairs.every(([, value]) => typeof value === 'string')) return 'must have strings or arrays of strings as values';
  const problem = pairs
    .flat()
    .map(textProblem)
    .find((one) => one !== undefined);
  return problem && `has a name or value that ${problem}`;
}

function pairsOf(properties: { [name: string]: unknown }): [string, string][] {
  return Object.entries(properties).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, one as string]),
  );
}

/** undefined for JSON that is nested too deeply to be written. */
function payloadOf({ payload, payloadBase64 }: PublishBody, text: (() => string) | undefined): Uint8Array | undefined {
  if (payloadBase64 !== undefined) return Buffer.from(payloadBase64, 'base64');
  if (typeof payload === 'string') return Buffer.from(payload);
  const written = text && memberText(text(), 'payload');
  if (written !== undefined) return Buffer.from(written);
  try {
    return Buffer.from(JSON.stringify(payload));
  } catch {
    return undefined;
  }
}

function propertiesOf(publish: PublishBody, payloadFormatIndicator: boolean | undefined): MessageProperties | null {
  const properties: MessageProperties = {};
  if (payloadFormatIndicator !== undefined) properties.payloadFormatIndicator = payloadFormatIndicator;
  if (publish.contentType !== undefined) properties.contentType = publish.contentType;
  if (publish.expirySeconds !== undefined) properties.messageExpiryInterval = publish.expirySeconds;
  if (publish.responseTopic !== undefined) properties.responseTopic = publish.responseTopic;
  if (publish.correlationData !== undefined) properties.correlationData = publish.correlationData;
  if (publish.userProperties !== undefined) properties.userProperties = pairsOf(publish.userProperties);
  return Object.keys(properties).length > 0 ? properties : null;
}
