/** Topic parameters: `{name}` in a filter stands for one level, as `+` does, and gives it a name. */
import { TopicCache } from './topic-cache.js';
import { topicMatches, withoutShare } from './topic.js';

/** One named level of a filter. */
export interface TopicParameter {
  name: string;
  /** Index of the level in the topic. */
  level: number;
  /** Absent: any text. */
  rules?: ParameterRules;
}

/** What a parameter must be, beside a text. */
export interface ParameterRules {
  /** A regular expression, as JSON Schema has it: not anchored, by Unicode code points. */
  pattern?: string;
  enum?: string[];
  /** In Unicode code points. */
  maxLength?: number;
}

/** A filter with its named levels. */
export interface ParameterisedFilter {
  /** As the broker is asked for it: with `+`. */
  filter: string;
  parameters?: TopicParameter[];
}

/** The named levels of one topic. */
export type ParameterValues = { readonly [name: string]: string };

/** Finds the named levels of a topic; none: an empty object. */
export type ParametersOf = (topic: string) => ParameterValues;

const NONE: ParameterValues = Object.freeze({});
/** Where no level has a name. */
export const noParameters: ParametersOf = () => NONE;

const NAMED_LEVEL = /^\{([^{}]*)\}$/;
/** As AsyncAPI names parameters, but none that means something to JavaScript. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** What is wrong with the named levels of `filter` (`$share/group/…` allowed); undefined when nothing is. */
export function parameterProblem(filter: string): string | undefined {
  const own = withoutShare(filter);
  if (/[{}]/.test(filter.slice(0, filter.length - own.length))) return 'the group of a shared filter cannot be named';
  const names = new Set<string>();
  for (const level of own.split('/')) {
    if (!/[{}]/.test(level)) continue;
    const name = NAMED_LEVEL.exec(level)?.[1];
    if (name === undefined) return 'a parameter is a whole level, written {name}';
    if (name === '#') return '# cannot be named: a parameter is one level';
    if (!NAME.test(name))
      return 'the name of a parameter has up to 64 letters, digits, "_" or "-", first a letter or digit';
    if (names.has(name)) return 'two parameters have the same name';
    names.add(name);
  }
  return undefined;
}

/** A filter without {@link parameterProblem} as the broker is asked for it, and what its levels are called. */
export function parameterised(written: string): Required<ParameterisedFilter> {
  const own = withoutShare(written);
  const parameters: TopicParameter[] = [];
  const levels = own.split('/').map((text, level) => {
    const name = NAMED_LEVEL.exec(text)?.[1];
    if (name === undefined) return text;
    parameters.push({ name, level });
    return '+';
  });
  return { filter: written.slice(0, written.length - own.length) + levels.join('/'), parameters };
}

/** The values that `topic` has for `parameters` of a filter that matches it. */
export function parameterValues(parameters: readonly TopicParameter[], topic: string): ParameterValues {
  const levels = topic.split('/');
  return Object.freeze(Object.fromEntries(parameters.map(({ name, level }) => [name, levels[level]!])));
}

/** The first filter in order that matches a topic names its levels; answers are kept per topic. */
export function parametersOf(filters: readonly ParameterisedFilter[]): ParametersOf {
  if (filters.every(({ parameters = [] }) => parameters.length === 0)) return noParameters;
  const cache = new TopicCache((topic) => {
    const parameters = filters.find(({ filter }) => topicMatches(filter, topic))?.parameters;
    return parameters ? parameterValues(parameters, topic) : NONE;
  });
  return (topic) => cache.get(topic);
}
