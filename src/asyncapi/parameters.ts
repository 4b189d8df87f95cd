import { isObject, own, type JsonObject } from './json.js';
import type { Node, References } from './references.js';
import type { Warnings } from './warnings.js';

/** What a topic parameter must be, in the words of the configuration; at least one of them is there. */
export interface Rules {
  pattern?: string;
  enum?: string[];
  maxLength?: number;
}
export type RulesByName = Map<string, Rules>;

/** What the configuration takes at most. */
const VALUES_MAX = 1_000;
const CHARACTERS_MAX = 1_024;
const LENGTH_MAX = 65_535;

/** `${` would be read as a variable of the environment. */
const UNWRITABLE = /\0|\$\{/;
const SAYS_NOTHING = /^(title|description|examples?|default|x-.*)$/;

/** 3.x lists a parameter's values; in 2.x it has a schema. Undefined: any level will do. */
export function rulesOf(name: string, channel: Node, references: References, warnings: Warnings): Rules | undefined {
  const parameter = references.at(channel, 'parameters', name);
  const schema = references.at(parameter, 'schema');
  const said: JsonObject = {
    ...(isObject(schema.value) ? schema.value : {}),
    ...(own(parameter.value, 'enum') === undefined ? {} : { enum: own(parameter.value, 'enum') }),
  };
  const rules: Rules = {};
  for (const [keyword, value] of Object.entries(said)) {
    if (!taken(keyword, value, rules) && !saysNothing(keyword, value)) {
      warnings.add(parameter, `${keyword} of {${name}} is not checked`);
    }
  }
  return Object.keys(rules).length > 0 ? rules : undefined;
}

function taken(keyword: string, value: unknown, rules: Rules): boolean {
  if (keyword === 'enum' && Array.isArray(value) && value.length > 0 && value.length <= VALUES_MAX) {
    const values = (value as unknown[]).map((one) => (typeof one === 'number' ? String(one) : one));
    if (!values.every(isShort)) return false;
    rules.enum = [...new Set(values)];
    return true;
  }
  if (keyword === 'pattern' && isShort(value) && compiles(value)) {
    rules.pattern = value;
    return true;
  }
  if (keyword === 'maxLength' && Number.isInteger(value) && Number(value) >= 1 && Number(value) <= LENGTH_MAX) {
    rules.maxLength = Number(value);
    return true;
  }
  return false;
}

function saysNothing(keyword: string, value: unknown): boolean {
  if (keyword === 'type') return value === 'string';
  if (keyword === 'enum') return Array.isArray(value) && value.length === 0;
  return (keyword === 'minLength' && Number(value) <= 1) || SAYS_NOTHING.test(keyword);
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= CHARACTERS_MAX && !UNWRITABLE.test(value);
}

function compiles(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}
