import { own, type JsonObject } from './json.js';

/** What draft-04 and OpenAPI 3.0 write in their own way, as draft-07 and later write it. Means the same. */
export function modernised(schema: JsonObject): JsonObject {
  let result = schema;
  for (const [bound, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    const flag = own(result, exclusive);
    if (typeof flag !== 'boolean') continue;
    const limit = own(result, bound);
    const strict = flag && typeof limit === 'number';
    result = without(result, strict ? [bound, exclusive] : [exclusive]);
    if (strict) result = { ...result, [exclusive]: limit };
  }
  if (typeof own(result, 'nullable') !== 'boolean') return result;
  const { type } = result;
  const nullable = result['nullable'] === true && typeof type === 'string' && type !== 'null';
  result = without(result, ['nullable']);
  return nullable ? { ...result, type: [type, 'null'] } : result;
}

function without(schema: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
}
