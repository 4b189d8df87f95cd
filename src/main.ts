#!/usr/bin/env node
/** The command line: start, check, demo. Exit codes: 0 fine, 1 failed, 2 bad usage or configuration. */
import { parseArgs } from 'node:util';
import { check } from './commands/check.js';
import { demo } from './commands/demo.js';
import { start } from './commands/start.js';
import { DEFAULT_CONFIG_FILE } from './config/index.js';
import { VERSION } from './version.js';

const USAGE = `Usage: holdfast <command> [--config FILE]

  start   run the gateway
  check   load the configuration and its contracts, name every problem; nothing is started
  demo    run everything on this machine: broker, devices, gateway, two apps; Ctrl-C ends it

  --config FILE   the configuration (default ${DEFAULT_CONFIG_FILE}); for start and check
  --seconds N     end by itself after so many seconds; for demo
  --help, --version
`;

const COMMANDS: { [name: string]: (options: { config: string; seconds: number }) => Promise<number> } = {
  start: ({ config }) => start(config),
  check: ({ config }) => check(config),
  demo: ({ seconds }) => demo(seconds),
};

// Whatever still runs after a command has ended must not keep the process.
process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: { type: 'string', short: 'c', default: DEFAULT_CONFIG_FILE },
        seconds: { type: 'string', default: '0' },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return usage((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return say(USAGE);
  if (values.version) return say(`${VERSION}\n`);
  const [name, ...more] = positionals;
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return usage(name === undefined ? 'a command is missing' : `there is no command "${name}"`);
  if (more.length > 0) return usage(`"${more[0]}" is one word too many`);
  const seconds = Number(values.seconds);
  if (!(seconds >= 0)) return usage('--seconds takes a number');
  return command({ config: values.config, seconds });
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function usage(problem: string): number {
  process.stderr.write(`holdfast: ${problem}\n\n${USAGE}`);
  return 2;
}
