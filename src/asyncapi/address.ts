import { ownProblem, topicFilterProblem } from '../domain/topic.js';
import { own } from './json.js';
import type { Node, References } from './references.js';
import type { Warnings } from './warnings.js';

const PARAMETER = /\{([^{}/]*)\}/g;

/** The topic filter for a level of an address that is a parameter, and nothing else. */
function levelOf(): string {
  return '+';
}

/** The topic filter of a channel's address; undefined, after a warning, when it has none. */
export function filterOf(
  address: string,
  channel: Node,
  references: References,
  warnings: Warnings,
): string | undefined {
  const levels = address.split('/').map((level) => {
    const names = Array.from(level.matchAll(PARAMETER), ([, name]) => name!);
    if (names.length === 0) return level;
    for (const name of names) warnOfValues(name, channel, references, warnings);
    if (level.replace(PARAMETER, '') === '' && names.length === 1) return levelOf();
    warnings.add(channel, `the filter takes any level where the address has ${JSON.stringify(level)}`);
    return '+';
  });
  const filter = levels.join('/');
  const problem =
    topicFilterProblem(filter) ??
    ownProblem(filter) ??
    (filter.startsWith('$share/') ? 'a channel is not a shared filter' : undefined) ??
    (filter.includes('${') ? '${ would be read as a variable of the environment' : undefined);
  if (problem === undefined) return filter;
  warnings.add(channel, `its address is not a topic: ${problem}; left out`);
  return undefined;
}

/** 3.x lists a parameter's values; in 2.x it has a schema. */
function warnOfValues(name: string, channel: Node, references: References, warnings: Warnings): void {
  const parameter = references.at(channel, 'parameters', name);
  const values = own(parameter.value, 'enum') ?? own(references.at(parameter, 'schema').value, 'enum');
  if (!Array.isArray(values) || values.length === 0) return;
  warnings.add(parameter, `the filter takes every value of {${name}}, not only those that are listed`);
}
