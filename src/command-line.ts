/** The command line: start, check, doctor, import, demo, health. Exit codes: 0 fine, 1 failed, 2 bad usage or configuration. */
import { parseArgs } from 'node:util';
import type { DoctorFlags } from './commands/doctor.js';
import type { ImportFlags } from './commands/import.js';
import { DEFAULT_CONFIG_FILE } from './config/index.js';
import { topicNameProblem } from './domain/topic.js';
import { VERSION } from './version.js';

const USAGE = `Usage: holdfast <command> [--config FILE]
       holdfast import asyncapi FILE [--out DIR] [--force] [--as application|client]

  start   run the gateway
  check   load the configuration and its contracts, name every problem; nothing is started
  doctor  walk the known reasons why links drop, against the configured broker and the running gateway
  import  write configuration and schemas from an AsyncAPI document, 2.x or 3.x; nothing is fetched
  demo    run everything on this machine: broker, devices, gateway, two apps; Ctrl-C ends it
  health  ask the gateway that runs here whether it is alive (/livez of the ops port)

  --config FILE        the configuration (default: what HOLDFAST_CONFIG says, else ${DEFAULT_CONFIG_FILE});
                       for start, check, doctor and health
  --json               for doctor: the rows for machines
  --probe-topic TOPIC  for doctor: publish to this topic and listen, to find messages the broker withholds;
                       may be given several times; without it nothing is published
  --takeover           for doctor: connect with the gateway's own client id, which drops whoever has it
  --timeout SECONDS    for doctor and health: how long each check may take (default 10)
  --out DIR            for import: the folder to write to (default .)
  --force              for import: overwrite files that are there
  --as SIDE            for import: application (default), the gateway is the application that the document describes;
                       client: it talks with that application, so that what it sends is received
  --seconds N          for demo: end by itself after so many seconds
  --help, --version
`;

const TIMEOUT_SECONDS_MAX = 600;

interface Flags extends DoctorFlags, ImportFlags {
  config: string;
  seconds: number;
  /** What follows the command. */
  operands: string[];
}

/** Each is loaded when it is asked for. */
const COMMANDS: { [name: string]: (flags: Flags) => Promise<number> } = {
  start: async ({ config }) => (await import('./commands/start.js')).start(config),
  check: async ({ config }) => (await import('./commands/check.js')).check(config),
  doctor: async (flags) => (await import('./commands/doctor.js')).doctor(flags.config, flags),
  import: async ({ operands, ...flags }) => (await import('./commands/import.js')).importAsyncApi(operands[1]!, flags),
  demo: async ({ seconds }) => (await import('./commands/demo.js')).demo(seconds),
  health: async ({ config, limitMs }) => (await import('./commands/health.js')).health(config, limitMs),
};

/** @param args what follows the program's name; @returns the exit code */
export async function commandLine(args: string[]): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: { type: 'string', short: 'c', default: process.env['HOLDFAST_CONFIG'] || DEFAULT_CONFIG_FILE },
        json: { type: 'boolean', default: false },
        'probe-topic': { type: 'string', multiple: true, default: [] },
        takeover: { type: 'boolean', default: false },
        timeout: { type: 'string', default: '10' },
        out: { type: 'string', default: '.' },
        force: { type: 'boolean', default: false },
        as: { type: 'string', default: 'application' },
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
  const [name, ...operands] = positionals;
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return usage(name === undefined ? 'a command is missing' : `there is no command "${name}"`);
  const misplaced = operandProblem(name!, operands);
  if (misplaced !== undefined) return usage(misplaced);
  const seconds = Number(values.seconds);
  if (!(seconds >= 0)) return usage('--seconds takes a number');
  const timeoutSeconds = Number(values.timeout);
  if (!(timeoutSeconds > 0 && timeoutSeconds <= TIMEOUT_SECONDS_MAX)) {
    return usage(`--timeout takes a number of seconds up to ${TIMEOUT_SECONDS_MAX}`);
  }
  const probeTopics = [...new Set(values['probe-topic'])];
  for (const topic of probeTopics) {
    const problem = topic.startsWith('$') ? 'topics that begin with $ belong to the broker' : topicNameProblem(topic);
    if (problem !== undefined) return usage(`--probe-topic ${JSON.stringify(topic)}: ${problem}`);
  }
  const { config, json, takeover, out, force, as } = values;
  if (as !== 'application' && as !== 'client') return usage('--as takes application or client');
  const limitMs = timeoutSeconds * 1_000;
  return command({ config, seconds, json, takeover, probeTopics, limitMs, operands, out, force, as });
}

/** Only `import` has any: `asyncapi FILE`. */
function operandProblem(command: string, operands: string[]): string | undefined {
  const most = command === 'import' ? 2 : 0;
  if (operands.length > most) return `"${operands[most]}" is one word too many`;
  if (command !== 'import') return undefined;
  if (operands[0] !== 'asyncapi') return 'import is followed by asyncapi and a file';
  return operands.length < 2 ? 'a file to import is missing' : undefined;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function usage(problem: string): number {
  process.stderr.write(`holdfast: ${problem}\n\n${USAGE}`);
  return 2;
}
