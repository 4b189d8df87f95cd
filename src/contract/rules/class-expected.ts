import { constraintsOf } from './class-metadata.js';

const number = String;
const one = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));
const list = (values: unknown): string => `one of ${[values].flat().map(one).join(', ')}`;

/** class-validator's rules in the words of JSON Schema. Their arguments are those the decorator was given. */
const EXPECTED: { readonly [rule: string]: string | ((...given: unknown[]) => string) } = {
  isNumber: 'number',
  isInt: 'integer',
  isString: 'string',
  isBoolean: 'boolean',
  isArray: 'array',
  isObject: 'object',
  isDate: 'date',
  isDateString: 'date-time',
  isIso8601: 'date-time',
  isEmail: 'email',
  isUuid: 'uuid',
  isNotEmpty: 'something that is not empty',
  isDefined: 'a value',
  isPositive: '> 0',
  isNegative: '< 0',
  nestedValidation: 'object',
  whitelistValidation: 'nothing here',
  arrayNotEmpty: 'at least 1 items',
  arrayUnique: 'items that differ',
  min: (least) => `>= ${number(least)}`,
  max: (most) => `<= ${number(most)}`,
  isDivisibleBy: (divisor) => `a multiple of ${number(divisor)}`,
  minLength: (least) => `at least ${number(least)} characters`,
  maxLength: (most) => `at most ${number(most)} characters`,
  isLength: (least, most) => `${number(least)} to ${number(most ?? 'any number of')} characters`,
  arrayMinSize: (least) => `at least ${number(least)} items`,
  arrayMaxSize: (most) => `at most ${number(most)} items`,
  matches: (pattern) => `text that matches ${pattern instanceof RegExp ? pattern.source : number(pattern)}`,
  equals: one,
  isIn: (values) => list(values),
  isEnum: (_, values) => list(values),
};

/**
 * What the failed rule of a class wants; undefined: see its message. @param target the instance that failed
 */
export function expectedOf(rule: string, property: string | undefined, target: object | undefined): string | undefined {
  if (!Object.hasOwn(EXPECTED, rule)) return undefined;
  const expected = EXPECTED[rule]!;
  if (typeof expected === 'string') return expected;
  const given = property === undefined ? undefined : constraintsOf(target?.constructor, property, rule);
  return given && expected(...given);
}
