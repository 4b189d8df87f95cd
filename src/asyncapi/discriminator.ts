import { isObject, own, textOf, type JsonObject } from './json.js';

interface Named {
  name: string;
  schema?: JsonObject | boolean;
}

/** The property that each schema requires with a text of its own; undefined when there is none. */
export function discriminatorOf(
  contracts: readonly Named[],
): { discriminator: string; mapping: { [value: string]: string } } | undefined {
  const properties = own(contracts[0]?.schema, 'properties');
  if (!isObject(properties)) return undefined;
  for (const property of Object.keys(properties)) {
    const values = contracts.map(({ schema }) => onlyValue(schema, property));
    if (values.includes(undefined) || new Set(values).size < values.length) continue;
    const mapping = Object.fromEntries(contracts.map(({ name }, i): [string, string] => [values[i]!, name]));
    return { discriminator: `/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`, mapping };
  }
  return undefined;
}

function onlyValue(schema: JsonObject | boolean | undefined, name: string): string | undefined {
  const required = own(schema, 'required');
  if (!Array.isArray(required) || !required.includes(name)) return undefined;
  const property = own(own(schema, 'properties'), name);
  const values = own(property, 'enum');
  const only = Array.isArray(values) && values.length === 1 ? (values as unknown[])[0] : undefined;
  return textOf(own(property, 'const') ?? only);
}
