import { Body, Controller, HttpCode, Inject, Post, Req, Res, SetMetadata } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mayPublish, type Caller, type CallerRequest } from '../domain/caller.js';
import { HoldfastError } from '../domain/errors.js';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { invalid } from '../domain/request-problem.js';
import { flag, listOf, object, optional, Schema, text, words } from '../domain/schema.js';
import { SCOPE_METADATA, type Scope } from '../domain/scope.js';
import { topicMatches, topicNameProblem } from '../domain/topic.js';
import { Examiner } from './examiner.js';
import type { DoctorLine, DoctorRequest } from './shown/types.js';

const TOPICS_MAX = 10;
const HEADERS = {
  'content-type': 'application/x-ndjson',
  connection: 'close', // it is over with the connection, and the other way round
  'x-accel-buffering': 'no',
};

const kind = <K extends DoctorLine['kind']>(name: K): Schema<K> => new Schema<K>({ const: name });
type Line<K extends DoctorLine['kind']> = Extract<DoctorLine, { kind: K }>;

const line = new Schema<DoctorLine>({
  oneOf: [
    object<Line<'broker'>>({ kind: kind('broker'), url: text.says('The next rows are of the broker there.') }),
    object<Line<'begun'>>({ kind: kind('begun'), check: text }),
    object<Line<'row'>>({
      kind: kind('row'),
      check: text,
      broker: optional(text),
      state: words('ok', 'warning', 'failed', 'skipped'),
      seen: text,
      mend: text.says('What to do about it; empty when there is nothing to do.'),
    }),
    object<Line<'end'>>({
      kind: kind('end'),
      ok: flag.says('No row failed, and every one was reached.'),
      interrupted: flag,
      leftBehind: listOf(text).says('Client ids of sessions that could not be ended.'),
    }),
  ],
}).named('DoctorLine');

const wanted = object<DoctorRequest>({
  probeTopics: optional(
    listOf(text, { maxItems: TOPICS_MAX }).says('The only topics that anything is published to. Default: none.'),
  ),
});

@Controller('v1')
export class DoctorController {
  #running = false;

  constructor(@Inject(Examiner) private readonly examiner: Examiner) {}

  @Post('doctor')
  @HttpCode(200)
  @SetMetadata(SCOPE_METADATA, 'admin' satisfies Scope)
  @SetMetadata(OPERATION_METADATA, {
    id: 'examine',
    tag: 'gateway',
    summary: 'Examines why the link drops, as `holdfast doctor`, row by row.',
    description:
      'It connects under a client id of its own, and never takes the session over. Topics to probe must be allowed by `publish.allow` and, where it has one, by the `publish` of the token. Whoever closes the connection ends it.',
    body: { schema: wanted, required: false },
    answers: {
      200: {
        description: 'Lines of JSON, the last of kind `end`.',
        content: { media: HEADERS['content-type'], schema: line },
      },
    },
    problems: ['TOPIC_FORBIDDEN', 'DOCTOR_RUNNING'],
  } satisfies Operation)
  async examine(
    @Body() body: unknown,
    @Req() { caller }: FastifyRequest & CallerRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const topics = this.#topicsOf(body, caller);
    if (this.#running) throw new HoldfastError('DOCTOR_RUNNING', 'an examination is under way');
    this.#running = true;
    const gone = new AbortController();
    const end = (): void => gone.abort();
    caller?.revoked.addEventListener('abort', end);
    const answer = reply.hijack().raw;
    answer.on('close', end).writeHead(200, HEADERS);
    try {
      await this.examiner.examine(topics, (one) => answer.write(`${JSON.stringify(one)}\n`), gone.signal);
    } finally {
      this.#running = false;
      caller?.revoked.removeEventListener('abort', end);
      answer.end();
    }
  }

  #topicsOf(body: unknown, caller: Caller | undefined): string[] {
    if (body === undefined || body === null) return [];
    if (typeof body !== 'object' || Array.isArray(body)) throw refusal('', 'must be a JSON object');
    const { probeTopics = [], ...others } = body as { probeTopics?: unknown };
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw refusal(`/${unknown}`, 'is not known here; there is probeTopics');
    if (!Array.isArray(probeTopics) || probeTopics.length > TOPICS_MAX) {
      throw refusal('/probeTopics', `must be a list of at most ${TOPICS_MAX} topics`);
    }
    return [...new Set(probeTopics.map((topic: unknown, i) => this.#topic(topic, i, caller)))];
  }

  #topic(topic: unknown, index: number, caller: Caller | undefined): string {
    const problem = typeof topic === 'string' ? topicNameProblem(topic) : 'must be a text';
    if (problem !== undefined) throw refusal(`/probeTopics/${index}`, problem);
    const wanted = topic as string;
    // Nobody publishes by way of the doctor what he may not publish.
    if (this.examiner.allow.some((filter) => topicMatches(filter, wanted)) && mayPublish(caller, wanted)) return wanted;
    throw new HoldfastError('TOPIC_FORBIDDEN', `nothing may be published to the topic of /probeTopics/${index}`);
  }
}

function refusal(pointer: string, message: string): HoldfastError {
  return invalid([{ pointer, message }]);
}
