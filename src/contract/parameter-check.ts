import type { Problem } from '../domain/record.js';
import { parameterValues, type ParameterRules, type TopicParameter } from '../domain/topic-parameters.js';
import { problem } from './problem.js';

/** What is wrong with the named levels of a topic. May never return, because users wrote the patterns. */
export type ParameterCheck = (topic: string) => Problem[];

/** @returns undefined where any level is right */
export function parameterCheck(parameters: readonly TopicParameter[] = []): ParameterCheck | undefined {
  const checks = parameters.flatMap(({ name, rules }) => (rules ? [{ name, broken: brokenRule(rules) }] : []));
  if (checks.length === 0) return undefined;
  return (topic) => {
    const values = parameterValues(parameters, topic);
    return checks.flatMap(({ name, broken }) => {
      const found = broken(values[name]!);
      return found ? [problem('', found.rule, `topic parameter ${name} ${found.message}`)] : [];
    });
  };
}

/** The first rule that a value breaks, in the words of JSON Schema. */
function brokenRule({
  pattern,
  enum: known,
  maxLength,
}: ParameterRules): (value: string) => { rule: string; message: string } | undefined {
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  const values = known && new Set(known);
  return (value) => {
    if (maxLength !== undefined && value.length > maxLength && [...value].length > maxLength) {
      return { rule: 'maxLength', message: `must NOT have more than ${maxLength} characters` };
    }
    if (values && !values.has(value)) return { rule: 'enum', message: 'must be equal to one of the allowed values' };
    if (!expression || expression.test(value)) return undefined;
    return { rule: 'pattern', message: `must match pattern "${pattern}"` };
  };
}
