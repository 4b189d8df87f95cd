// Takes what Holdfast sends: only what is genuine, and each message once.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import express from 'express';

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const HEADER_BYTES_MAX = 64 * 1024; // Node's 16 KiB are fewer than a message's properties may take.
const AGE_SECONDS_MAX = 300;
const IDS_MAX = 10_000;

const { PORT = '3000', WEBHOOK_SECRETS, WEBHOOK_SECRETS_FILE } = process.env;
const secrets = WEBHOOK_SECRETS ?? (WEBHOOK_SECRETS_FILE ? readFileSync(WEBHOOK_SECRETS_FILE, 'utf8') : '');
const keys = secrets.trim().split(/\s+/).map(keyOf);
/** By webhook-id, oldest first. A table of the database you write to anyway has no such bound, and outlives a restart. */
const takings = new Map();

const app = express();
// The bytes as they came, whatever they are: what has been parsed can no longer be verified.
app.use(express.raw({ type: () => true, limit: BODY_BYTES_MAX, inflate: false }));
app.post('/events', async ({ headers, body = Buffer.alloc(0) }, response) => {
  const flaw = flawOf(headers, body);
  if (flaw) return response.status(401).type('text').send(flaw);
  await once(headers['webhook-id'], () => take(headers, body));
  response.status(204).end();
});

const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX }, app);
server.listen(Number(PORT), '127.0.0.1', () => console.error(`listening on 127.0.0.1:${PORT}`));
process.once('SIGTERM', () => server.close()); // What is in flight is answered first.

/** Your part. When it throws, the answer is 500 and the message comes again. Slow work belongs in a queue of your own. */
async function take(headers, body) {
  const topic = decodeURIComponent(headers['mqtt-topic'] ?? '');
  console.log(JSON.stringify({ topic, bytes: body.length, text: body.toString('utf8', 0, 80) }));
}

/** A repeat has the outcome of the first, also while that is still at work. What failed is forgotten, and may come again. */
function once(id, work) {
  const known = takings.get(id);
  if (known) return known;
  const taking = work();
  takings.set(id, taking);
  taking.catch(() => takings.delete(id));
  if (takings.size > IDS_MAX) takings.delete(takings.keys().next().value);
  return taking;
}

/** Why a request is not from the gateway; undefined when it is. */
function flawOf(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (!id || !timestamp || !signatures) return 'webhook-id, webhook-timestamp and webhook-signature are needed';
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(age <= AGE_SECONDS_MAX)) return 'webhook-timestamp is not of these minutes';
  const signed = (key) => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  const wanted = keys.map((key) => `v1,${signed(key)}`);
  const genuine = signatures.split(' ').some((given) => wanted.some((one) => same(given, one)));
  return genuine ? undefined : 'no signature is of a secret that is known here';
}

/** In constant time. */
function same(given, wanted) {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function keyOf(secret) {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  if (key.length >= 24 && secret === `whsec_${key.toString('base64')}`) return key;
  throw new Error('WEBHOOK_SECRETS, or the file WEBHOOK_SECRETS_FILE, must hold secrets: whsec_ and base64');
}
