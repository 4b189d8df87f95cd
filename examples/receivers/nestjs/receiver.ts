// Takes what Holdfast sends: only what is genuine, and each message once.
import 'reflect-metadata';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CanActivate, ExecutionContext, Injectable, UnauthorizedException } from '@nestjs/common';
import { Body, Controller, Headers, HttpCode, Module, Post, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const HEADER_BYTES_MAX = 64 * 1024; // Node's 16 KiB are fewer than a message's properties may take.
const AGE_SECONDS_MAX = 300;
const IDS_MAX = 10_000;
const EMPTY = Buffer.alloc(0);

/** Lets in what the gateway has signed. */
@Injectable()
class SignatureGuard implements CanActivate {
  readonly #keys = secrets().map(keyOf);

  canActivate(context: ExecutionContext): boolean {
    const { headers, body = EMPTY } = context.switchToHttp().getRequest();
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
    if (!id || !timestamp || !signatures) {
      throw new UnauthorizedException('webhook-id, webhook-timestamp and webhook-signature are needed');
    }
    const age = Math.abs(Date.now() / 1000 - Number(timestamp));
    if (!(age <= AGE_SECONDS_MAX)) throw new UnauthorizedException('webhook-timestamp is not of these minutes');
    const signed = (key: Buffer): string =>
      createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    const wanted = this.#keys.map((key) => `v1,${signed(key)}`);
    const genuine = signatures.split(' ').some((given: string) => wanted.some((one) => same(given, one)));
    if (!genuine) throw new UnauthorizedException('no signature is of a secret that is known here');
    return true;
  }
}

@Controller('events')
@UseGuards(SignatureGuard)
class EventsController {
  /** By webhook-id, oldest first. A table of the database you write to anyway has no such bound, and outlives a restart. */
  readonly #takings = new Map<string, Promise<void>>();

  /** A repeat has the outcome of the first, also while that is still at work. What failed is forgotten, and may come again. */
  @Post()
  @HttpCode(204)
  once(@Headers('webhook-id') id: string, @Headers('mqtt-topic') topic = '', @Body() body = EMPTY): Promise<void> {
    const known = this.#takings.get(id);
    if (known) return known;
    const taking = this.#take(decodeURIComponent(topic), body);
    this.#takings.set(id, taking);
    taking.catch(() => this.#takings.delete(id));
    if (this.#takings.size > IDS_MAX) this.#takings.delete(this.#takings.keys().next().value!);
    return taking;
  }

  /** Your part. When it throws, the answer is 500 and the message comes again. Slow work belongs in a queue of your own. */
  async #take(topic: string, body: Buffer): Promise<void> {
    console.log(JSON.stringify({ topic, bytes: body.length, text: body.toString('utf8', 0, 80) }));
  }
}

@Module({ controllers: [EventsController] })
class AppModule {}

/** In constant time. */
function same(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function secrets(): string[] {
  const { WEBHOOK_SECRETS: secrets, WEBHOOK_SECRETS_FILE: file } = process.env;
  return (secrets ?? (file ? readFileSync(file, 'utf8') : '')).trim().split(/\s+/);
}

function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  if (key.length >= 24 && secret === `whsec_${key.toString('base64')}`) return key;
  throw new Error('WEBHOOK_SECRETS, or the file WEBHOOK_SECRETS_FILE, must hold secrets: whsec_ and base64');
}

const adapter = new FastifyAdapter({ bodyLimit: BODY_BYTES_MAX, http: { maxHeaderSize: HEADER_BYTES_MAX } });
// The bytes as they came, whatever they are: what has been parsed can no longer be verified.
adapter.getInstance().removeAllContentTypeParsers();
adapter.getInstance().addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
// What is too long is read to its end before it is refused: a sender that is still writing would miss the answer.
adapter.getInstance().addHook('onRequest', async ({ headers, raw }) => {
  if (Number(headers['content-length']) > BODY_BYTES_MAX) for await (const _ of raw);
});
const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, { bodyParser: false });
app.enableShutdownHooks(); // SIGTERM: what is in flight is answered first.
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
