/** Real Helm on the chart of this checkout. Nothing is installed anywhere. */
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { findProgram } from '../support/needs.js';
import { scratchDirectory } from '../support/scratch.js';
import { read, ROOT } from '../tidy/tree.js';
import type { Manifest } from './manifests.js';

export const CHART = join(ROOT, 'helm/holdfast');
/** The release is called so, and what it makes `gw-holdfast`. */
const RELEASE = 'gw';
const SHAPES = 'helm/holdfast/ci';

export type Values = { [key: string]: unknown };

interface Options {
  /** Default: one that has everything. */
  kubernetes?: string;
  chart?: string;
  release?: string;
}

interface Answer {
  code: number | null;
  output: string;
  problem: string;
}

let home: string | undefined;

/** Runs helm with folders of its own. */
export function helm(args: string[], input?: string): Answer {
  home ??= scratchDirectory('helm');
  const env = { PATH: process.env['PATH'], HOME: home };
  const { status, stdout, stderr } = spawnSync(findProgram('helm')!, args, { input, env, encoding: 'utf8' });
  return { code: status, output: stdout, problem: stderr };
}

/** What `helm template` prints with these values. */
export function template(
  values: Values,
  { kubernetes = '1.37.0', chart = CHART, release = RELEASE }: Options = {},
): Answer {
  const flags = ['--namespace', 'mqtt', '--kube-version', kubernetes, '--values', '-'];
  const input = stringify(values, { version: '1.1' });
  const key = [kubernetes, chart, release, input].join('\n');
  const answer = answers.get(key) ?? helm(['template', release, chart, ...flags], input);
  answers.set(key, answer);
  return answer;
}
/** The chart does not change while a test runs. */
const answers = new Map<string, Answer>();

export function render(values: Values = {}, options?: Options): Manifest[] {
  const { code, output, problem } = template(values, options);
  if (code !== 0) throw new Error(problem);
  return parseAllDocuments(output).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
}

/** Why helm makes nothing of these values. */
export function refusal(values: Values, options?: Options): string {
  const { code, output, problem } = template(values, options);
  if (code === 0) throw new Error(`not refused: ${output.slice(0, 200)}`);
  return problem;
}

/** `ci/NAME-values.yaml`. */
export function shape(name: string): Values {
  return parse(read(`${SHAPES}/${name}-values.yaml`)) as Values;
}

export function shapes(): string[] {
  return readdirSync(join(ROOT, SHAPES)).map((file) => file.replace('-values.yaml', ''));
}

/** Copies of the chart and of the one that depends on it, with what `helm dependency build` fetches. */
export function parentChart(): string {
  if (parent !== undefined) return parent;
  const copy = scratchDirectory('charts');
  cpSync(join(ROOT, 'helm'), copy, { recursive: true });
  const made = join(copy, 'examples/sidecar-app');
  const { code, problem } = helm(['dependency', 'build', made]);
  if (code !== 0) throw new Error(problem);
  return (parent = made);
}
let parent: string | undefined;

/** `helm template` does not print the notes: a copy of the chart has them as an object. */
export function chartWithNotes(): string {
  const copy = join(scratchDirectory('notes'), 'holdfast');
  cpSync(CHART, copy, { recursive: true });
  const notes = join(copy, 'templates/NOTES.txt');
  writeFileSync(join(copy, 'templates/_notes.tpl'), `{{ define "notes" }}${readFileSync(notes, 'utf8')}{{ end }}`);
  writeFileSync(
    join(copy, 'templates/notes.yaml'),
    'kind: Notes\nmetadata: { name: notes }\ntext: {{ include "notes" . | toJson }}\n',
  );
  rmSync(notes);
  return copy;
}
