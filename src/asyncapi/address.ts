import { parameterProblem } from '../domain/topic-parameters.js';
import { ownProblem, topicFilterProblem } from '../domain/topic.js';
import { rulesOf, type RulesByName } from './parameters.js';
import type { Node, References } from './references.js';
import type { Warnings } from './warnings.js';

const PARAMETER = /\{([^{}/]*)\}/g;

/** A channel's address as a topic filter. */
export interface Address {
  /** As the broker is asked for it. */
  filter: string;
  /** The same, with `{name}` where a whole level is a parameter. */
  named: string;
  /** What its parameters must be, as far as the document says anything of them. */
  rules: RulesByName;
}

/** Undefined, after a warning, when it is none. */
export function filterOf(
  written: string,
  channel: Node,
  references: References,
  warnings: Warnings,
): Address | undefined {
  const rules: RulesByName = new Map();
  const taken = new Set<string>();
  const plain: string[] = [];
  const named: string[] = [];
  for (const level of written.split('/')) {
    const names = Array.from(level.matchAll(PARAMETER), ([, name]) => name!);
    const [name = ''] = names;
    const whole = level === `{${name}}`;
    if (names.length > 0 && !whole) {
      warnings.add(channel, `the filter takes any level where the address has ${JSON.stringify(level)}`);
    }
    const nameable = whole && parameterProblem(level) === undefined && !taken.has(name);
    const found = nameable ? rulesOf(name, channel, references, warnings) : undefined;
    if (found) rules.set(name, found);
    if (nameable) taken.add(name);
    plain.push(names.length > 0 ? '+' : level);
    named.push(nameable ? level : plain.at(-1)!);
  }
  const filter = plain.join('/');
  const problem =
    topicFilterProblem(filter) ??
    ownProblem(filter) ??
    (filter.startsWith('$share/') ? 'a channel is not a shared filter' : undefined) ??
    (filter.includes('${') ? '${ would be read as a variable of the environment' : undefined) ??
    (/[{}]/.test(filter) ? 'a parameter is a whole level, written {name}' : undefined);
  if (problem === undefined) return { filter, named: named.join('/'), rules };
  warnings.add(channel, `its address is not a topic: ${problem}; left out`);
  return undefined;
}
