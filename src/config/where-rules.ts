import { COMPARISONS, FILTER_COMPARISONS_MAX, FILTER_DEPTH_MAX, PARAMETER, type Filter } from '../domain/filter.js';
import type { Path, Report } from './problem.js';
import { suggestion } from './suggestion.js';
import type { WhereConfig } from './where.config.js';

const KEYS = [...COMPARISONS, 'all', 'any', 'not'] as const;

/** What is wrong with a content filter as a whole; an empty one filters nothing. */
export function checkWhere(where: WhereConfig, path: Path, report: Report): void {
  if (keysOf(where).length === 0) return;
  const comparisons = checkPart(where, path, report, 1);
  if (comparisons <= FILTER_COMPARISONS_MAX) return;
  report.problem(path, `holds more than ${FILTER_COMPARISONS_MAX} comparisons`, 'Filter by topics, or in the app.');
}

/** @returns how many comparisons it holds */
function checkPart(where: WhereConfig | undefined, path: Path, report: Report, depth: number): number {
  const [key, second] = where ? keysOf(where) : [];
  if (!where || key === undefined) {
    // What could not be read is told already.
    if (report.clean(path)) report.problem(path, 'compares nothing', `Write one of ${KEYS.join(', ')}, or remove it.`);
    return 0;
  }
  if (second !== undefined) {
    const mend = `Write all: [ { ${key}: … }, { ${second}: … } ], or any, as you mean it.`;
    report.problem(path, `has both ${key} and ${second}`, mend);
    return 0;
  }
  if (depth > FILTER_DEPTH_MAX) {
    report.problem(path, `is nested more than ${FILTER_DEPTH_MAX} deep`, 'Simplify the filter.');
    return 0;
  }
  const below: Path = [...path, key];
  if (key === 'not') return checkPart(where.not, below, report, depth + 1);
  if (key === 'all' || key === 'any') {
    const parts: readonly (WhereConfig | undefined)[] = where[key]!;
    const counts = parts.map((part, index) => checkPart(part, [...below, index], report, depth + 1));
    return counts.reduce((sum, count) => sum + count, 0);
  }
  const attributes = where[key]!;
  if (attributes.size === 0 && report.clean(below))
    report.problem(below, 'compares nothing', 'Write attribute: value, or remove it.');
  for (const [attribute, value] of attributes) {
    if (key === 'exact' || value !== '') continue;
    report.problem([...below, attribute], 'is empty, which every text has', 'Write a value, or remove it.');
  }
  return attributes.size;
}

/** Topic parameters that no subscription names equal nothing, ever. @param where without problems */
export function warnOfUnknownParameters(
  where: WhereConfig,
  path: Path,
  names: ReadonlySet<string>,
  report: Report,
): void {
  const [key] = keysOf(where);
  if (key === undefined) return;
  const below = [...path, key];
  if (key === 'not') return warnOfUnknownParameters(where.not!, below, names, report);
  if (key === 'all' || key === 'any') {
    for (const [i, part] of where[key]!.entries()) warnOfUnknownParameters(part, [...below, i], names, report);
    return;
  }
  for (const attribute of where[key]!.keys()) {
    const name = attribute.startsWith(PARAMETER) ? attribute.slice(PARAMETER.length) : undefined;
    if (name === undefined || names.has(name)) continue;
    const meant = suggestion(name, names);
    const mend = meant === undefined ? `Write {${name}} in the filter of a subscription.` : `Did you mean "${meant}"?`;
    report.warning([...below, attribute], 'is a parameter that no subscription names', mend);
  }
}

/** A filter without problems in resolved form; undefined when it filters nothing. */
export function filterOf(where: WhereConfig | undefined): Filter | undefined {
  const key = where && keysOf(where)[0];
  if (key === undefined) return undefined;
  if (key === 'not') return { kind: key, of: filterOf(where!.not)! };
  if (key === 'all' || key === 'any') return { kind: key, of: where![key]!.map((part) => filterOf(part)!) };
  const comparisons = [...where![key]!].map(([attribute, value]) => ({ kind: key, attribute, value: String(value) }));
  return comparisons.length === 1 ? comparisons[0] : { kind: 'all', of: comparisons };
}

function keysOf(where: WhereConfig): (typeof KEYS)[number][] {
  return KEYS.filter((key) => where[key] !== undefined);
}
