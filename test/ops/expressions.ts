/** What a PromQL expression names, held against what there is: an expression with a name of nothing is silent for ever. */
import { metricSum, parseMetrics } from '../support/metrics-text.js';

const SERIES = /\b((?:holdfast|process|nodejs)_\w+)(?:\{([^}]*)\})?/g;
const MATCHER = /(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g;
/** A variable of the dashboard, or whatever it may be. */
const ANYTHING = /^\$|^\.[*+]$/;

export interface Named {
  name: string;
  label?: string;
  value?: string;
}

/** Each series, and each label value; those of a regular expression one by one. */
export function namedIn(expression: string): Named[] {
  return [...expression.matchAll(SERIES)].flatMap(([, name, matchers = '']) => {
    const pairs = [...matchers.matchAll(MATCHER)].flatMap(([, label, values]) =>
      values!.split('|').map((value) => ({ name: name!, label: label!, value })),
    );
    return [{ name: name! }, ...pairs.filter(({ value }) => !ANYTHING.test(value))];
  });
}

/** @returns what the expressions name and the metrics do not have */
export function absentFrom(text: string, expressions: readonly string[]): string[] {
  const metrics = parseMetrics(text);
  const absent = expressions.flatMap(namedIn).filter(({ name, label, value }) => {
    return metricSum(metrics, name, label === undefined ? {} : { [label]: value! }) === undefined;
  });
  return [...new Set(absent.map(({ name, label, value }) => (label ? `${name}{${label}="${value}"}` : name)))];
}
