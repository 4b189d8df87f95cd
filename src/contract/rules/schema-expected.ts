import type { ErrorObject } from 'ajv';

/** What the failed rule of a schema wants, such as `number`, `one of "on", "off"` or `<= 100`; undefined: see its message. */
export function expectedBy({ keyword, params }: ErrorObject): string | undefined {
  const given = params as { [name: string]: unknown };
  const limit = String(given['limit']);
  switch (keyword) {
    case 'type':
      return [given['type']].flat().join(' or ');
    case 'enum':
      return oneOf(given['allowedValues'] as readonly unknown[]);
    case 'const':
      return JSON.stringify(given['allowedValue']);
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `${String(given['comparison'])} ${limit}`;
    case 'multipleOf':
      return `a multiple of ${String(given['multipleOf'])}`;
    case 'minLength':
    case 'maxLength':
    case 'minItems':
    case 'maxItems':
    case 'minProperties':
    case 'maxProperties':
      return `${keyword.startsWith('min') ? 'at least' : 'at most'} ${limit} ${COUNTED[keyword.slice(3)]}`;
    case 'uniqueItems':
      return 'items that differ';
    case 'pattern':
      return `text that matches ${String(given['pattern'])}`;
    case 'format':
      return String(given['format']);
    case 'required':
    case 'dependentRequired':
    case 'dependencies':
      return `property ${JSON.stringify(given['missingProperty'])}`;
    case 'additionalProperties':
    case 'unevaluatedProperties':
    case 'false schema':
      return 'nothing here';
    default:
      return undefined;
  }
}

const COUNTED: { readonly [what: string]: string } = {
  Length: 'characters',
  Items: 'items',
  Properties: 'properties',
};

export function oneOf(values: readonly unknown[]): string {
  return `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`;
}
