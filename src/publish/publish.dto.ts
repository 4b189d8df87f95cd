import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
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
  type ValidationError,
} from 'class-validator';
import { HoldfastError } from '../domain/errors.js';
import type { MessageProperties } from '../domain/message.js';
import type { Publish } from '../domain/publish.js';
import { TEXT_BYTES_MAX, textProblem, topicNameProblem } from '../domain/topic.js';

const EXPIRY_SECONDS_MAX = 4_294_967_295; // [MQTT 5.0, 3.3.2.3.3]
const USER_PROPERTIES_MAX = 100;

/** The body of `POST /v1/publish`. Exactly one of `payload` and `payloadBase64`. */
export class PublishBody {
  /** Where to: no wildcards. */
  @IsString()
  topic!: string;

  /** A string as it is; any other JSON value serialised. */
  @IsOptional()
  payload?: unknown;

  /** Bytes in base64. */
  @IsOptional()
  @IsBase64()
  payloadBase64?: string;

  /** 0 or 1; default 1. */
  @IsOptional()
  @IsIn([0, 1, 2])
  qos: 0 | 1 | 2 = 1;

  /** Default false. */
  @IsOptional()
  @IsBoolean()
  retain = false;

  /** MQTT 5 content type. */
  @IsOptional()
  @IsString()
  contentType?: string;

  /** Seconds the broker may keep it for absent subscribers. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(EXPIRY_SECONDS_MAX)
  expirySeconds?: number;

  @IsOptional()
  @IsString()
  responseTopic?: string;

  /** Base64, as webhooks receive it in `mqtt-correlation-data`. */
  @IsOptional()
  @IsBase64()
  correlationData?: string;

  /** Names with a string, or an array of strings for a name that repeats. */
  @IsOptional()
  @IsObject()
  userProperties?: { [name: string]: unknown };
}

export interface RequestProblem {
  /** JSON pointer into the body. */
  pointer: string;
  message: string;
}

/**
 * The body as what is to be published. Throws REQUEST_INVALID with every problem in `errors`, or QOS_UNSUPPORTED.
 */
export function parsePublish(body: unknown): Omit<Publish, 'id' | 'acceptedAt'> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([{ pointer: '', message: 'the body must be a JSON object' }]);
  }
  const publish = plainToInstance(PublishBody, body, { exposeUnsetFields: false });
  const errors = validateSync(publish, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  const problems = [...errors.flatMap(problemsOf), ...rulesOf(body, publish)];
  if (problems.length > 0) throw invalid(problems);
  if (publish.qos === 2) throw new HoldfastError('QOS_UNSUPPORTED', 'QoS 2 is not offered for publishes');
  return {
    topic: publish.topic,
    payload: payloadOf(publish),
    qos: publish.qos,
    retain: publish.retain,
    properties: propertiesOf(publish),
  };
}

function problemsOf(error: ValidationError): RequestProblem[] {
  const pointer = `/${error.property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return Object.values(error.constraints ?? {}).map((message) => ({ pointer, message }));
}

/** What no single property can say. */
function rulesOf(body: object, publish: PublishBody): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const add = (pointer: string, message: string | undefined): unknown => message && problems.push({ pointer, message });
  if (typeof publish.topic === 'string') add('/topic', topicNameProblem(publish.topic));
  if (typeof publish.responseTopic === 'string') add('/responseTopic', topicNameProblem(publish.responseTopic));
  if (typeof publish.contentType === 'string') add('/contentType', textProblem(publish.contentType));
  if (typeof publish.correlationData === 'string' && bytesOf(publish.correlationData).length > TEXT_BYTES_MAX) {
    add('/correlationData', `longer than ${TEXT_BYTES_MAX} bytes`);
  }
  if ('payload' in body === 'payloadBase64' in body) add('/payload', 'give exactly one of payload and payloadBase64');
  if (typeof publish.userProperties === 'object' && publish.userProperties !== null) {
    add('/userProperties', userPropertiesProblem(publish.userProperties));
  }
  return problems;
}

function userPropertiesProblem(properties: { [name: string]: unknown }): string | undefined {
  const pairs = pairsOf(properties);
  if (pairs.length > USER_PROPERTIES_MAX) return `more than ${USER_PROPERTIES_MAX} user properties`;
  if (pairs.some(([, value]) => typeof value !== 'string')) return 'values are strings or arrays of strings';
  return pairs.flatMap(([name, value]) => [name, value].map(textProblem)).find((problem) => problem !== undefined);
}

function pairsOf(properties: { [name: string]: unknown }): [string, string][] {
  return Object.entries(properties).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, one as string]),
  );
}

function payloadOf({ payload, payloadBase64 }: PublishBody): Uint8Array {
  if (payloadBase64 !== undefined) return bytesOf(payloadBase64);
  return Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload ?? null));
}

function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

function propertiesOf(publish: PublishBody): MessageProperties | null {
  const properties: MessageProperties = {};
  if (publish.contentType !== undefined) properties.contentType = publish.contentType;
  if (publish.expirySeconds !== undefined) properties.messageExpiryInterval = publish.expirySeconds;
  if (publish.responseTopic !== undefined) properties.responseTopic = publish.responseTopic;
  if (publish.correlationData !== undefined) properties.correlationData = publish.correlationData;
  const userProperties = pairsOf(publish.userProperties ?? {});
  if (userProperties.length > 0) properties.userProperties = userProperties;
  return Object.keys(properties).length > 0 ? properties : null;
}

function invalid(errors: RequestProblem[]): HoldfastError {
  const message = errors.map(({ pointer, message }) => `${pointer || 'body'}: ${message}`).join('; ');
  return new HoldfastError('REQUEST_INVALID', message, { details: { errors } });
}
