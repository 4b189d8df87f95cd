import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from '../support/kubelet/container.js';
import type { ContainerLife } from '../support/kubelet/container-life.js';
import { scratchDirectory } from '../support/scratch.js';

/**
 * The app of a sidecar's pod: it tells what it is given, answers each message with a publish of the same number, and says
 * good-bye when it has to end. A message with `stubborn` makes it ignore that.
 */
const PROGRAM = `
import { createServer } from 'node:http';
const say = (fact) => console.log(JSON.stringify(fact));
const status = (asked) => asked.then((answer) => answer.status, (error) => error.cause?.code ?? String(error));
const publish = (topic, payload) => status(fetch('http://localhost:8080/v1/publish', {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ topic, payload }),
}));
let stubborn = false;
say({ gatewayAtStart: await status(fetch('http://localhost:8080/v1/link')) });
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text) => (body += text)).on('end', async () => {
    const { n, ...more } = JSON.parse(body);
    stubborn ||= more.stubborn === true;
    say({ received: n, published: await publish('commands/echo', { n }) });
    response.writeHead(204).end();
  });
});
server.listen(3000, '127.0.0.1', () => say({ listening: true }));
process.on('SIGTERM', async () => {
  if (stubborn) return;
  say({ goodBye: await publish('commands/bye', {}) });
  process.exit(0);
});
`;

export const APP_IMAGE = 'registry.example/app:1.0.0';

export function appImage(): Image {
  const directory = scratchDirectory('app-image');
  mkdirSync(join(directory, 'app'));
  writeFileSync(join(directory, 'app', 'app.mjs'), PROGRAM);
  return { directory, workdir: '/app', entrypoint: ['node', 'app.mjs'], cmd: [], env: {}, user: 1000, group: 1000 };
}

/** What it has said under that name, oldest first. */
export function saidBy(app: ContainerLife, fact: string): unknown[] {
  return app.lines
    .map((line) => (JSON.parse(line) as { [fact: string]: unknown })[fact])
    .filter((one) => one !== undefined);
}
