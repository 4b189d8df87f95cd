import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatProblems, loadSettings } from '../config/index.js';
import { Apps, Devices, startBroker, Summary } from '../demo/index.js';
import { createGateway } from '../gateway.js';
import { createLogger } from '../ops/index.js';
import { nextSignal, signalsHeard } from '../signals.js';
import { VERSION } from '../version.js';

const SUMMARY_EVERY_MS = 2_000;
const COMMAND_EVERY_MS = 7_000;

/** Runs everything on this machine until Ctrl-C, or for `seconds` when they are not 0. @returns the exit code */
export async function demo(seconds: number): Promise<number> {
  await signalsHeard();
  const ended = endOf(seconds);
  const write = (text: string): void => void process.stdout.write(text);
  const summary = new Summary(write);
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const directory = ownDirectory();
  if (directory === undefined) return 1;
  const broker = await startBroker();
  const apps = new Apps(secret, (line) => summary.event(line));
  const environment = {
    DEMO_BROKER: broker.url,
    DEMO_APPS: await apps.start(),
    DEMO_SECRET: secret,
    DEMO_DATA: directory,
  };
  const file = configFile();
  const loaded = loadSettings(file, environment);
  if ('problems' in loaded) {
    process.stderr.write(formatProblems(file, loaded.problems, process.stderr.isTTY));
    return 2;
  }
  const logger = createLogger(loaded.settings.log, process.stdout.isTTY);
  const gateway = await createGateway(loaded.settings, { version: VERSION, logger });
  const rest = `http://127.0.0.1:${gateway.httpPort}`;
  const ops = `http://127.0.0.1:${gateway.opsPort}`;
  write(`Holdfast ${VERSION}: broker ${broker.url}, REST ${rest}, metrics ${ops}/metrics
Four devices report every 250 ms; meter-3 sends broken payloads now and then. Two apps receive: billing checks
signatures, audit fails every few seconds. Look at them while it runs, in a browser at ${rest}/console, or:
  curl ${rest}/v1/link
  curl ${rest}/v1/subscribers
  curl ${rest}/v1/rejections
  curl ${rest}/v1/publish -H 'content-type: application/json' -d '{"topic":"commands/pump-1","payload":"stop"}'
Ctrl-C ends it.

`);
  const devices = new Devices();
  await devices.start(broker.url, (device, payload) => summary.event(`${device} received the command ${payload}`));
  const timers = [
    setInterval(() => void summarise(ops, summary), SUMMARY_EVERY_MS),
    setInterval(() => void command(rest, summary), COMMAND_EVERY_MS),
  ];
  const failed = await Promise.race([ended, gateway.failed]);
  for (const timer of timers) clearInterval(timer);
  write('\nStopping: devices, then the gateway (what is in flight finishes), then apps and broker.\n');
  await devices.stop();
  await gateway.stop();
  write(`Received by billing: ${apps.received.billing}, by audit: ${apps.received.audit}.\n`);
  apps.stop();
  await broker.stop();
  rmSync(directory, { recursive: true, force: true });
  return failed instanceof Error ? 1 : 0;
}

/** A new folder; undefined when there can be none, which it says. */
function ownDirectory(): string | undefined {
  try {
    return mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    process.stderr.write(
      `holdfast: the demo needs a folder to write to, and ${tmpdir()} is none (${code}): set TMPDIR\n`,
    );
    return undefined;
  }
}

/** Resolves at the first signal, or after `seconds` when they are not 0. */
async function endOf(seconds: number): Promise<void> {
  const timer = new Promise((resolve) => seconds > 0 && setTimeout(resolve, seconds * 1000));
  await Promise.race([nextSignal(), timer]);
}

/** config/demo.yaml of this package; compiled code is one folder deep, two in the tests' build. */
function configFile(): string {
  const places = ['../../config/demo.yaml', '../../../../config/demo.yaml'];
  const files = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return files.find((file) => existsSync(file)) ?? files[0]!;
}

async function summarise(ops: string, summary: Summary): Promise<void> {
  try {
    summary.line(await (await fetch(`${ops}/metrics`)).text());
  } catch (error) {
    summary.event(`no metrics: ${(error as Error).message}`);
  }
}

async function command(rest: string, summary: Summary): Promise<void> {
  try {
    const response = await fetch(`${rest}/v1/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ topic: 'commands/pump-1', payload: 'measure' }),
    });
    const { status } = (await response.json()) as { status: string };
    summary.event(`POST /v1/publish commands/pump-1: ${response.status} ${status}`);
  } catch (error) {
    summary.event(`POST /v1/publish failed: ${(error as Error).message}`);
  }
}
