/** A Dockerfile as data: stages and instructions, with their arguments filled in. */
import { DockerfileParser, type Instruction as Parsed } from 'dockerfile-ast';
import { From } from 'dockerfile-ast/lib/instructions/from.js';
import { ModifiableInstruction } from 'dockerfile-ast/lib/modifiableInstruction.js';
import { PropertyInstruction } from 'dockerfile-ast/lib/propertyInstruction.js';

export interface Instruction {
  /** In capitals. */
  keyword: string;
  line: number;
  flags: { [name: string]: string };
  /** What follows the flags, with continued lines joined and every white space one blank. */
  text: string;
  /** The words of {@link text}; of the exec form, its strings. */
  args: string[];
  /** Written as a JSON array. */
  exec: boolean;
  /** Of ARG, ENV and LABEL; null: an ARG without a default. */
  properties: { [name: string]: string | null };
}

export interface Stage {
  /** Empty when it has none. */
  name: string;
  /** As written: an image, or the name of an earlier stage. */
  base: string;
  from: Instruction;
  instructions: Instruction[];
}

export interface Dockerfile {
  /** ARG before the first FROM. */
  args: Instruction[];
  stages: Stage[];
}

export function parseDockerfile(text: string): Dockerfile {
  const dockerfile: Dockerfile = { args: [], stages: [] };
  for (const parsed of DockerfileParser.parse(text).getInstructions()) {
    const instruction = read(parsed);
    const stage = dockerfile.stages.at(-1);
    if (parsed instanceof From) {
      const name = parsed.getBuildStage() ?? '';
      dockerfile.stages.push({ name, base: parsed.getImage() ?? '', from: instruction, instructions: [] });
    } else (stage ? stage.instructions : dockerfile.args).push(instruction);
  }
  return dockerfile;
}

/** Replaces `$NAME`, `${NAME}` and `${NAME:-default}`. */
export function filledIn(text: string, values: { [name: string]: string }): string {
  return text.replace(
    /\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g,
    (_, plain?: string, braced?: string, otherwise?: string) => {
      return values[plain ?? braced!] || (otherwise ?? '');
    },
  );
}

function read(parsed: Parsed): Instruction {
  const flags = parsed instanceof ModifiableInstruction ? parsed.getFlags() : [];
  const text = (parsed.getArgumentsContent() ?? '').replace(/\s+/g, ' ').trim();
  const strings = execForm(parsed.getKeyword() === 'HEALTHCHECK' ? text.replace(/^CMD /i, '') : text);
  const properties = parsed instanceof PropertyInstruction ? parsed.getProperties() : [];
  return {
    keyword: parsed.getKeyword(),
    line: parsed.getRange().start.line + 1,
    flags: Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? ''])),
    text,
    args: strings ?? text.split(' ').filter((word) => word !== ''),
    exec: strings !== undefined,
    properties: Object.fromEntries(properties.map((one) => [one.getName(), one.getValue()])),
  };
}

function execForm(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
  } catch {
    return undefined; // then it is the shell form, says the reference
  }
}
