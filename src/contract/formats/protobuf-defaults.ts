import protobuf from 'protobufjs';
import type { Bounds } from './bounds.js';

const LONG = /^(u?int64|sint64|s?fixed64)$/;
/** Their JSON is of a kind of its own. */
const WELL_KNOWN = '.google.protobuf.';

interface Shape {
  /** What a field without presence has when it is not there, by its name in JSON. */
  defaults: readonly (readonly [name: string, value: () => unknown])[];
  /** Fields that hold messages. */
  inner: readonly (readonly [name: string, type: protobuf.Type, many: 'one' | 'list' | 'map'])[];
}

const shapes = new WeakMap<protobuf.Type, Shape>();

/**
 * The JSON of a message with the fields that are not sent because they have no presence and are zero or empty: a rule
 * that requires `temperature` must not fail at 0 degrees. Changes `json`, and returns it.
 * @throws Unfit once `bounds` has too many keys by it
 */
export function withDefaults(type: protobuf.Type, json: unknown, bounds: Bounds): unknown {
  if (type.fullName.startsWith(WELL_KNOWN)) return json;
  const message = json as { [name: string]: unknown };
  const { defaults, inner } = shapeOf(type);
  bounds.keys(defaults.length);
  for (const [name, type, many] of inner) {
    if (!Object.hasOwn(message, name)) continue;
    const held = message[name];
    const items = many === 'one' ? [held] : many === 'list' ? (held as unknown[]) : Object.values(held as object);
    for (const item of items) withDefaults(type, item, bounds);
  }
  for (const [name, value] of defaults) if (!Object.hasOwn(message, name)) message[name] = value();
  return message;
}

function shapeOf(type: protobuf.Type): Shape {
  const known = shapes.get(type);
  if (known) return known;
  // Extensions have a name with dots, and presence.
  const fields = type.fieldsArray.map((field) => field.resolve()).filter(({ name }) => !name.startsWith('.'));
  const shape: Shape = {
    defaults: fields.flatMap((field) => {
      const value = defaultOf(field);
      return value ? [[field.jsonName, value] as const] : [];
    }),
    inner: fields.flatMap((field) => {
      if (!(field.resolvedType instanceof protobuf.Type)) return [];
      return [[field.jsonName, field.resolvedType, field.map ? 'map' : field.repeated ? 'list' : 'one'] as const];
    }),
  };
  shapes.set(type, shape);
  return shape;
}

function defaultOf(field: protobuf.Field): (() => unknown) | undefined {
  if (field.map) return () => ({});
  if (field.repeated) return () => [];
  if (field.hasPresence || field.resolvedType instanceof protobuf.Type) return undefined;
  const value = scalarDefaultOf(field);
  return () => value;
}

function scalarDefaultOf({ type, resolvedType }: protobuf.Field): unknown {
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[0] ?? 0;
  if (type === 'bool') return false;
  if (type === 'string' || type === 'bytes') return '';
  return LONG.test(type) ? '0' : 0;
}
