/** What OpenMetrics 1.0 does not allow, as far as a gateway could write it. */

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const LABELS = String.raw`\{(?:${LABEL}(?:,${LABEL})*)?\}`;
const NUMBER = String.raw`(?:[+-]?Inf|[Nn]a[Nn]|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)`;
const SAMPLE = new RegExp(`^(${NAME})(${LABELS})? (${NUMBER})(?: # (${LABELS}) (${NUMBER})(?: (${NUMBER}))?)?$`);
const HELP = new RegExp(String.raw`^# HELP (${NAME}) (?:[^"\\]|\\["\\n])*$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SUFFIXES: { [type: string]: string[] } = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};
const EXEMPLAR_CHARACTERS_MAX = 128;

export interface Exemplar {
  /** Of its sample, with labels as they are written. */
  series: string;
  labels: { [name: string]: string };
  value: number;
}

/** @returns the lines that are wrong, and what is missing */
export function openMetricsFlaws(text: string): string[] {
  const lines = text.split('\n');
  const flaws = lines.at(-1) === '' && lines.at(-2) === '# EOF' ? [] : ['the end is not marked'];
  const types = new Map<string, string>();
  const helped = new Set<string>();
  let family = '';
  for (const line of lines.slice(0, -2)) {
    const type = TYPE.exec(line);
    const help = HELP.exec(line)?.[1];
    if (type) {
      family = type[1]!;
      const isNew = !types.has(family) && helped.has(family);
      types.set(family, type[2]!);
      if (!isNew || (type[2] === 'counter' && family.endsWith('_total'))) flaws.push(line);
    } else if (help !== undefined) {
      if (helped.has(help)) flaws.push(line);
      helped.add(help);
    } else if (!isSampleOf(line, family, types.get(family))) flaws.push(line);
  }
  return flaws;
}

export function exemplarsOf(text: string): Exemplar[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', , exemplar, value] = SAMPLE.exec(line) ?? [];
    return exemplar === undefined
      ? []
      : { series: `${name}${labels}`, labels: Object.fromEntries(pairsOf(exemplar)), value: Number(value) };
  });
}

function isSampleOf(line: string, family: string, type: string | undefined): boolean {
  const [, name, labels = '', , exemplar, value] = SAMPLE.exec(line) ?? [];
  if (name === undefined || type === undefined) return false;
  if (!SUFFIXES[type]!.some((suffix) => name === family + suffix)) return false;
  const bound = pairsOf(labels).find(([label]) => label === 'le')?.[1];
  if ((type === 'histogram' && name.endsWith('_bucket')) !== (bound !== undefined)) return false;
  if (exemplar === undefined) return true;
  const characters = pairsOf(exemplar).reduce((sum, pair) => sum + pair.join('').length, 0);
  const fits = bound !== undefined && (bound === '+Inf' || Number(value) <= Number(bound));
  return fits && characters > 0 && characters <= EXEMPLAR_CHARACTERS_MAX;
}

function pairsOf(labels: string): [string, string][] {
  return [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]);
}
