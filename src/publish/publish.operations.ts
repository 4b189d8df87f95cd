/** What `/openapi.json` says of publishing. */
import { CAUSES } from '../domain/cause.js';
import type { ErrorCode } from '../domain/errors.js';
import type { Answer, Operation } from '../domain/operation.js';
import { problemSchema } from '../domain/problem-schema.js';
import {
  anything,
  base64,
  count,
  dto,
  listOf,
  number,
  object,
  objectKeywords,
  optional,
  Schema,
  text,
  uuid,
  words,
} from '../domain/schema.js';
import { emqxBody } from './emqx.js';
import { PublishBody } from './publish.dto.js';
import type { PublishAnswer, PublishView } from './publisher.js';
import { RAW_PARAMETERS } from './raw.js';

/** Why one publish is not taken, or was not sent. */
const OF_ONE = [
  ...(['QOS_UNSUPPORTED', 'TOPIC_FORBIDDEN', 'PAYLOAD_TOO_LARGE', 'CONTRACT_FAILED', 'CONTRACT_UNCHECKED'] as const),
  ...(['LINK_DOWN', 'PUBLISH_REFUSED', 'PUBLISH_EXPIRED'] as const),
] satisfies ErrorCode[];
const NO_ROOM = ['JOURNAL_FULL', 'OUTBOX_FULL', 'IN_FLIGHT_FULL', 'SHUTTING_DOWN'] satisfies ErrorCode[];
const OF_KEYS = ['KEYS_FULL', 'KEY_IN_USE', 'KEY_REUSED'] satisfies ErrorCode[];

const ONE_PAYLOAD = {
  oneOf: [
    { required: ['payload'] },
    { required: ['payloadBase64'], properties: { payloadBase64: { type: 'string' } } },
  ],
};
const ours = dto(PublishBody, ONE_PAYLOAD);
const body = new Schema<object>({ anyOf: [ours, emqxBody] });
const answer = object<PublishAnswer>({
  id: uuid,
  status: words('published', 'queued').says(
    '`published`: the broker has it; `queued`: it is on disk, and will be sent.',
  ),
}).named('PublishAnswer');
const view = object<PublishView>({
  id: uuid,
  status: words('queued', 'published', 'refused', 'expired'),
  reasonCode: optional(count.says('MQTT reason code of the broker’s answer.')),
  cause: optional(
    words(...CAUSES)
      .as<string>()
      .says('Why the broker refused it.'),
  ),
  mend: optional(text.says('What to do about it.')),
}).named('PublishView');

const headers = {
  'Idempotency-Key': optional(
    text
      .with({ pattern: '^[!-~]{1,255}$' })
      .says('A second request with it, within 24 hours, is answered like the first.'),
  ),
  Prefer: optional(text.with({ examples: ['respond-async'] }).says('`respond-async`: do not wait for the broker.')),
};
const answers: { [status: number]: Answer } = {
  200: { description: 'The broker has acknowledged it.', content: { schema: answer } },
  202: { description: 'It is in the durable outbox, and will be sent.', content: { schema: answer } },
};

export const publishOperation: Operation = {
  id: 'publish',
  tag: 'publish',
  summary: 'Publishes a message.',
  description: 'Exactly one of `payload` and `payloadBase64`. Elsewhere `null` means: left out.',
  headers,
  body: { schema: body },
  answers,
  problems: [...OF_ONE, ...NO_ROOM, ...OF_KEYS],
};

export const rawOperation: Operation = {
  ...publishOperation,
  id: 'publishRaw',
  summary: 'Publishes the body as it is.',
  description: 'Its content type goes with it as the MQTT 5 content type.',
  query: { dto: PublishBody, fields: RAW_PARAMETERS },
  body: { media: '*/*', schema: anything, required: false },
};

const batchItem = new Schema<object>({
  anyOf: [
    answer,
    new Schema<object>({
      ...objectKeywords({ status: words('failed'), problem: problemSchema('REQUEST_INVALID', ...OF_ONE) }),
    }),
  ],
}).named('BatchItem');
const batchAnswer = { schema: listOf(batchItem, { minItems: 1 }) };

export const batchOperation: Operation = {
  ...publishOperation,
  id: 'publishBatch',
  summary: 'Publishes many messages, in their order.',
  description:
    'They are accepted whole or, without room, not at all. Each then has its own answer, in order. At most `publish.maxBatch`.',
  body: { schema: listOf(body, { minItems: 1 }) },
  answers: {
    200: { description: 'The broker has acknowledged all of them.', content: batchAnswer },
    202: { description: 'All of them are accepted.', content: batchAnswer },
    207: {
      description: 'Some failed: their `problem` is what they would have been answered alone.',
      content: batchAnswer,
    },
  },
  problems: [...NO_ROOM, ...OF_KEYS],
};

export const statusOperation: Operation = {
  id: 'getPublish',
  tag: 'publish',
  summary: 'Where an accepted publish stands.',
  description: 'Kept for 24 hours. A token with a `publish` list of its own sees publishes to topics that it has.',
  path: { id: text.says('As the answer to the publish had it.') },
  answers: { 200: { description: 'Where it stands.', content: { schema: view } } },
  problems: ['NOT_FOUND'],
};

const seconds = number.with({ exclusiveMinimum: 0 });

export const requestOperation: Operation = {
  id: 'request',
  tag: 'publish',
  summary: 'Publishes a request, and answers with what is answered.',
  description:
    'The gateway chooses the response topic. The body of a 200 is the payload of the answer; headers say the rest, percent-encoded as webhooks have it.',
  body: {
    schema: dto(PublishBody, {
      ...ONE_PAYLOAD,
      properties: { responseTopic: false, timeoutSeconds: seconds.says('At most `publish.request.maxTimeout`.') },
    }).named('RequestBody'),
  },
  answers: {
    200: {
      description: 'What was answered.',
      content: { media: '*/*', schema: anything },
      headers: {
        'Holdfast-Publish-Id': uuid.says('Of the publish.'),
        'Mqtt-Topic': text,
        'Mqtt-Qos': words('0', '1', '2'),
        'Mqtt-Content-Type': optional(text),
        'Mqtt-Correlation-Data': optional(base64),
        'Mqtt-User-Property': optional(text.says('One header for each: `name=value`.')),
        'Mqtt-User-Property-Truncated': optional(words('true').says('There were more than headers have room for.')),
      },
    },
  },
  problems: [...OF_ONE, ...NO_ROOM, ...(['REQUEST_UNSUPPORTED', 'RESPONSES_DENIED', 'RESPONSE_TIMEOUT'] as const)],
};
