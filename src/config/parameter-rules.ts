/** Topic parameters: what must fit together, and what their settings are. */
import { parameterised, type ParameterisedFilter, type TopicParameter } from '../domain/topic-parameters.js';
import type { ParameterConfig } from './parameter.config.js';
import type { Path, Report } from './problem.js';
import { suggestion } from './suggestion.js';

interface Parameterised {
  filter: string;
  contract?: string;
  parameters: Map<string, ParameterConfig>;
}

/** @param path of what has `filter`, `contract` and `parameters` */
export function checkParameters(path: Path, { filter, contract, parameters }: Parameterised, report: Report): void {
  if (!report.clean([...path, 'filter'])) return;
  const names = parameterised(filter).parameters.map(({ name }) => name);
  for (const [name, rules] of parameters) {
    const place = [...path, 'parameters', name];
    if (!names.includes(name)) {
      const meant = suggestion(name, names);
      const mend =
        meant === undefined ? `Write {${name}} for one level of the filter, or remove it.` : `Did you mean "${meant}"?`;
      report.problem(place, 'is no parameter of the filter', mend);
    } else if (report.clean(place) && Object.values(rulesOf(rules)).length === 0) {
      report.problem(place, 'says nothing', 'Write pattern, enum or maxLength, or remove it.');
    }
  }
  if (parameters.size > 0 && contract === undefined && report.clean([...path, 'contract'])) {
    const mend = 'Name a contract: topics that break a rule are rejections of it.';
    report.problem([...path, 'parameters'], 'has no effect without a contract', mend);
  }
}

/** A filter without problems, as the broker is asked for it, with its parameters and their rules. */
export function parameterisedFilter({ filter, parameters }: Parameterised): ParameterisedFilter {
  const named = parameterised(filter);
  if (named.parameters.length === 0) return { filter };
  return {
    filter: named.filter,
    parameters: named.parameters.map(({ name, level }): TopicParameter => {
      const rules = parameters.get(name);
      return { name, level, ...(rules && { rules: rulesOf(rules) }) };
    }),
  };
}

function rulesOf({ pattern, enum: values, maxLength }: ParameterConfig): NonNullable<TopicParameter['rules']> {
  return {
    ...(pattern !== undefined && { pattern }),
    ...(values && { enum: values }),
    ...(maxLength !== undefined && { maxLength }),
  };
}
