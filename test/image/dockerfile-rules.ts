/** What the Dockerfile must keep to: the rules of hadolint (DL…) that apply to it, and the house's own. */
import { filledIn, type Dockerfile, type Instruction, type Stage } from '../support/dockerfile.js';

export interface Examined {
  dockerfile: Dockerfile;
  /** Paths that .dockerignore lets through. */
  context: string[];
}

type Broken = { line: number; found: string };
export type Rule = (examined: Examined) => Broken[];

const DIGEST = /^[^@\s]+:(?!latest@)[\w.-]+@sha256:[0-9a-f]{64}$/;
const SECRET = /pass(word|wd)|secret|token|credential|private|api_?key/i;
/** Set by the engine. */
const GIVEN = ['BUILDPLATFORM', 'TARGETPLATFORM', 'BUILDARCH', 'TARGETARCH', 'BUILDOS', 'TARGETOS'];
const LABELS = ['title', 'description', 'licenses', 'version', 'revision', 'created', 'base.name', 'base.digest'];

function wherever(keyword: string, isWrong: (one: Instruction, stage: Stage) => boolean): Rule {
  return ({ dockerfile }) =>
    dockerfile.stages.flatMap((stage) =>
      stage.instructions.filter((one) => one.keyword === keyword && isWrong(one, stage)).map(broken),
    );
}

function inLast(isWrong: (instructions: Instruction[]) => (Instruction | string)[]): Rule {
  return ({ dockerfile }) => {
    const { instructions, from } = dockerfile.stages.at(-1)!;
    return isWrong(instructions).map((one) =>
      typeof one === 'string' ? { line: from.line, found: one } : broken(one),
    );
  };
}

function broken({ line, keyword, text }: Instruction): Broken {
  return { line, found: `${keyword} ${text}` };
}

const runs = (pattern: RegExp): Rule => wherever('RUN', ({ text }) => pattern.test(text));
const last = (all: Instruction[], keyword: string): Instruction | undefined =>
  all.findLast((one) => one.keyword === keyword);

export const RULES: { [name: string]: Rule } = {
  'DL3000 WORKDIR is absolute': wherever('WORKDIR', ({ text }) => !text.startsWith('/')),
  'DL3002 the last USER is there, by number, and not root': inLast((all) => {
    const user = last(all, 'USER');
    return user === undefined ? ['no USER'] : /^[1-9]\d*:[1-9]\d*$/.test(user.text) ? [] : [user];
  }),
  'DL3003 WORKDIR instead of cd': runs(/(^|[;&|]\s*)cd /),
  'DL3004 no sudo': runs(/\bsudo\b/),
  'DL3006, DL3007 the base is pinned by tag and digest': ({ dockerfile }) => {
    const values = defaults(dockerfile.args);
    const names = dockerfile.stages.map(({ name }) => name);
    const pinned = ({ base }: Stage): boolean => names.includes(base) || DIGEST.test(filledIn(base, values));
    return dockerfile.stages.filter((stage) => !pinned(stage)).map(({ from }) => broken(from));
  },
  'DL3009, DL3014, DL3015 apt-get: asks nothing, takes nothing more, leaves no lists': wherever('RUN', ({ text }) => {
    if (!/\bapt-get install\b/.test(text)) return false;
    return (
      !/ (-y|--yes)\b/.test(text) ||
      !text.includes('--no-install-recommends') ||
      !text.includes('rm -rf /var/lib/apt/lists/*')
    );
  }),
  'DL3016 npm ci, without scripts, and nothing else that installs': wherever('RUN', ({ text }) => {
    return (
      /(^|&& ?)(npm (i|install|add|update|exec)|npx|yarn|pnpm)\s/.test(text) ||
      (/\bnpm ci\b/.test(text) && !text.includes('--ignore-scripts'))
    );
  }),
  'DL3020 no ADD': wherever('ADD', () => true),
  'DL3021 several sources go into a folder': wherever(
    'COPY',
    ({ args }) => args.length > 2 && !args.at(-1)!.endsWith('/'),
  ),
  'DL3022, DL3023 COPY --from names an earlier stage': ({ dockerfile: { stages } }) =>
    stages.flatMap(({ instructions }, index) => {
      const earlier = stages.slice(0, index).map(({ name }) => name);
      return instructions.filter(({ flags }) => 'from' in flags && !earlier.includes(flags['from'])).map(broken);
    }),
  'DL3024 every stage has a name of its own and is used': ({ dockerfile: { stages } }) => {
    const used = stages.flatMap(({ base, instructions }) => [base, ...instructions.map(({ flags }) => flags['from'])]);
    const isWrong = ({ name }: Stage, index: number): boolean =>
      name === '' ||
      stages.findIndex((one) => one.name === name) !== index ||
      (index < stages.length - 1 && !used.includes(name));
    return stages.filter(isWrong).map(({ from }) => broken(from));
  },
  'DL3025 CMD, ENTRYPOINT and HEALTHCHECK in exec form': ({ dockerfile }) =>
    dockerfile.stages.flatMap(({ instructions }) => {
      return instructions
        .filter(({ keyword, exec }) => /^(CMD|ENTRYPOINT|HEALTHCHECK)$/.test(keyword) && !exec)
        .map(broken);
    }),
  'DL3029 --platform only as the engine gives it': ({ dockerfile }) =>
    dockerfile.stages
      .filter(({ from }) => !/^(\$(BUILD|TARGET)PLATFORM)?$/.test(from.flags['platform'] ?? ''))
      .map(({ from }) => broken(from)),
  'DL3044 ENV does not use what it sets': wherever('ENV', ({ properties, text }) => {
    return Object.keys(properties).some((name) => new RegExp(`\\$\\{?${name}\\b`).test(text));
  }),
  'DL3045 COPY to a relative place follows a WORKDIR': wherever('COPY', (one, { instructions }) => {
    const before = instructions.slice(0, instructions.indexOf(one));
    return !one.args.at(-1)!.startsWith('/') && !before.some(({ keyword }) => keyword === 'WORKDIR');
  }),
  'DL3048, DL3049 the labels of OCI, with arguments for what changes': inLast((all) => {
    const labels = Object.assign(
      {},
      ...all.filter(({ keyword }) => keyword === 'LABEL').map((one) => one.properties),
    ) as Instruction['properties'];
    const names = Object.keys(labels);
    const missing = LABELS.map((name) => `org.opencontainers.image.${name}`).filter((name) => !labels[name]);
    const fixed = ['version', 'revision', 'created'].filter(
      (name) => !/^\$\{\w+\}$/.test(labels[`org.opencontainers.image.${name}`] ?? ''),
    );
    return [...missing, ...fixed, ...names.filter((name) => !/^[a-z][a-z0-9.-]*[a-z0-9]$/.test(name))];
  }),
  'DL3053, DL3056 a version as semver has it, a time as RFC 3339 has it': inLast((all) => {
    const { VERSION = '', CREATED = '' } = defaults(all);
    return [
      ...(/^\d+\.\d+\.\d+/.test(VERSION) ? [] : [`VERSION ${VERSION}`]),
      ...(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(CREATED) ? [] : [`CREATED ${CREATED}`]),
    ];
  }),
  'DL4000 no MAINTAINER': wherever('MAINTAINER', () => true),
  'DL4003, DL4004, DL3012 one CMD, ENTRYPOINT and HEALTHCHECK': ({ dockerfile }) =>
    dockerfile.stages.flatMap(({ instructions }) =>
      ['CMD', 'ENTRYPOINT', 'HEALTHCHECK'].flatMap((name) =>
        instructions
          .filter(({ keyword }) => keyword === name)
          .slice(1)
          .map(broken),
      ),
    ),
  'DL4006 no pipe hides a failure, and no semicolon does': runs(/(?<!\|)\|(?!\|)|;/),
  'how it runs, is looked at and is ended is said': inLast((all) =>
    ['ENTRYPOINT', 'CMD', 'HEALTHCHECK', 'STOPSIGNAL', 'EXPOSE', 'VOLUME', 'WORKDIR'].filter(
      (keyword) => last(all, keyword) === undefined,
    ),
  ),
  'files of the program are root’s, and only root may write to them': ({ dockerfile }) => {
    const { instructions } = dockerfile.stages.at(-1)!;
    const workdir = last(instructions, 'WORKDIR')?.text ?? '/';
    return instructions
      .filter(({ keyword, flags, text }) =>
        keyword === 'COPY'
          ? !/^(0|root)?(:0|:root)?$/.test(flags['chown'] ?? '') || /[2367]\d?$/.test((flags['chmod'] ?? '').slice(-2))
          : keyword === 'RUN' &&
            (new RegExp(`\\bch(own|mod)\\b[^&]*\\s(${workdir}|\\.)(\\s|/|$)`).test(text) ||
              /\bchmod\b.*\b(777|a\+w|o\+w)\b/.test(text)),
      )
      .map(broken);
  },
  'nothing is copied or run as the user': inLast((all) => {
    const user = all.findIndex(({ keyword }) => keyword === 'USER');
    return all.filter(({ keyword }, index) => user >= 0 && index > user && /^(COPY|RUN)$/.test(keyword));
  }),
  'the packages that run are those without the tools of the build': ({ dockerfile: { stages } }) => {
    const lean = stages.filter(({ instructions }) => {
      const installs = instructions.filter(({ keyword, text }) => keyword === 'RUN' && /\bnpm ci\b/.test(text));
      return installs.length > 0 && installs.every(({ text }) => text.includes('--omit=dev'));
    });
    const copies = stages
      .at(-1)!
      .instructions.filter(({ keyword, text }) => keyword === 'COPY' && text.includes('node_modules'));
    return copies.filter(({ flags }) => !lean.some(({ name }) => name === flags['from'])).map(broken);
  },
  'nothing that installs packages is left in it': inLast((all) => {
    const removed = all
      .filter(({ keyword, text }) => keyword === 'RUN' && text.includes('rm -rf '))
      .map(({ text }) => text);
    const places = ['lib/node_modules', 'bin/npm', 'bin/npx', 'bin/corepack', 'bin/yarn', 'bin/yarnpkg'];
    return places.filter((place) => !removed.some((text) => text.split(' ').includes(`/usr/local/${place}`)));
  }),
  'no secret is in an argument, a variable or a label': ({ dockerfile }) =>
    [...dockerfile.args, ...dockerfile.stages.flatMap(({ instructions }) => instructions)]
      .filter(({ properties }) => Object.keys(properties).some((name) => SECRET.test(name)))
      .map(broken),
  'an argument is declared before it is used': ({ dockerfile }) => undeclared(dockerfile),
  'what is copied is in the context': ({ dockerfile, context }) =>
    fromContext(dockerfile)
      .filter(({ args }) => args.slice(0, -1).some((path) => !context.some((file) => isIn(file, path))))
      .map(broken),
  'what is in the context is copied': ({ dockerfile, context }) => {
    const copied = fromContext(dockerfile).flatMap(({ args }) => args.slice(0, -1));
    return context.filter((file) => !copied.some((path) => isIn(file, path))).map((file) => ({ line: 0, found: file }));
  },
};

function fromContext({ stages }: Dockerfile): Instruction[] {
  return stages.flatMap(({ instructions }) =>
    instructions.filter(({ keyword, flags }) => keyword === 'COPY' && !('from' in flags)),
  );
}

function isIn(file: string, path: string): boolean {
  return file === path || file.startsWith(`${path.replace(/^\.?\/|\/$/g, '')}/`);
}

function defaults(instructions: Instruction[]): { [name: string]: string } {
  const all = instructions
    .filter(({ keyword }) => keyword === 'ARG')
    .flatMap(({ properties }) => Object.entries(properties));
  return Object.fromEntries(all.map(([name, value]) => [name, value ?? '']));
}

function undeclared({ args, stages }: Dockerfile): Broken[] {
  const names = (text: string): string[] => [...text.matchAll(/\$\{?([A-Z_][A-Z0-9_]*)/g)].map(([, name]) => name!);
  const outside = new Set([...GIVEN, ...Object.keys(defaults(args))]);
  return stages.flatMap(({ from, instructions }) => {
    const wrong = names(`${from.text} ${from.flags['platform'] ?? ''}`).some((name) => !outside.has(name))
      ? [from]
      : [];
    const declared = new Set<string>();
    for (const one of instructions) {
      if (one.keyword !== 'RUN' && names(one.text).some((name) => !declared.has(name))) wrong.push(one);
      // Without a default, it is one from before the first FROM, or nothing.
      for (const [name, value] of Object.entries(one.properties)) {
        if (one.keyword === 'ARG' && value === null && !outside.has(name)) wrong.push(one);
        declared.add(name);
      }
    }
    return wrong.map(broken);
  });
}

/** Everything that is wrong, as `rule: line: what`. */
export function flaws(examined: Examined): string[] {
  return Object.entries(RULES).flatMap(([name, rule]) =>
    rule(examined).map(({ line, found }) => `${name}: ${line}: ${found}`),
  );
}
