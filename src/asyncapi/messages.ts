import { compiled, type Misfit } from './compiles.js';
import { formatOf, type Format } from './content-type.js';
import { draftOfDialect, draftOfFormat, isProtobuf, type Draft } from './dialect.js';
import { examplesOf, type ImportedExample } from './examples.js';
import { isObject, own, textOf, type JsonObject } from './json.js';
import type { Names } from './names.js';
import { inherited, type Operation, type Reading } from './operations.js';
import { rootMessage } from './protobuf.js';
import type { Node } from './references.js';
import { bundleSchema } from './schema.js';

/** One message as a contract of the configuration. */
export interface ImportedContract {
  name: string;
  format: Format;
  /** Absent: whatever can be decoded is valid. */
  schema?: JsonObject | boolean;
  /** The schema is written, but the gateway would refuse it, so that the contract does not name it. */
  unusable?: true;
  /** For the format `protobuf`. */
  protobuf?: { source: string; message: string };
  examples: ImportedExample[];
  /** What is wrong with a value by its schema. Absent: nothing is looked at, so that whatever can be decoded is valid. */
  misfit?: Misfit | undefined;
}

/** What describes a payload. */
type Payload = { node: Node; draft: Draft } | { node: Node; protobuf: string };

/** Formats whose values a JSON Schema can describe. */
const STRUCTURED: readonly Format[] = ['json', 'cbor', 'msgpack'];

/** The contracts that the messages need, each message once however many operations carry it. */
export class MessageContracts {
  readonly #byPlace = new Map<string, ImportedContract | undefined>();

  constructor(
    private readonly reading: Reading,
    private readonly names: Names,
  ) {}

  list(): ImportedContract[] {
    return [...this.#byPlace.values()].filter((one) => one !== undefined);
  }

  /** Undefined: any payload is valid. */
  of({ node, key }: Operation['messages'][number], operation: Operation): ImportedContract | undefined {
    if (!isObject(node.value)) {
      this.reading.warnings.add(node, 'is not a message; any payload is accepted');
      return undefined;
    }
    if (!this.#byPlace.has(node.place)) this.#byPlace.set(node.place, this.#read(node, key, operation));
    return this.#byPlace.get(node.place);
  }

  #read(message: Node, key: string | undefined, operation: Operation): ImportedContract | undefined {
    const { references, warnings } = this.reading;
    const payload = this.#payload(message);
    const format = this.#format(message, payload);
    if (inherited(message, references, 'headers') !== undefined) {
      warnings.add(message, 'its headers are not checked: contracts look at the payload');
    }
    if (format === undefined) return undefined;
    const checked = this.#checked(payload, format);
    if (!checked) return undefined;
    const examples = examplesOf(message, format, checked.misfit, this.reading);
    return { name: this.#name(message, key, operation), format, ...checked, examples };
  }

  #name(message: Node, key: string | undefined, operation: Operation): string {
    const last = message.pointer.split('/').at(-1)!.replaceAll('~1', '/');
    return this.names.take(
      textOf(own(message.value, 'name')) ?? textOf(own(message.value, 'messageId')),
      /^(message|payload|\d+|)$/.test(last) ? undefined : last,
      key,
      operation.name,
      textOf(own(message.value, 'title')),
      operation.address,
    );
  }

  /** What the payload must be; undefined, after a warning: nobody can read it. */
  #checked(
    payload: Payload | undefined,
    format: Format,
  ): Pick<ImportedContract, 'schema' | 'unusable' | 'protobuf' | 'misfit'> | undefined {
    const { references, warnings } = this.reading;
    if (!payload) return {};
    const { node } = payload;
    if ('protobuf' in payload) {
      const found = rootMessage(payload.protobuf);
      if ('message' in found)
        return { protobuf: { source: `${payload.protobuf.trimEnd()}\n`, message: found.message } };
      warnings.add(node, `its Protocol Buffers ${found.problem}; any payload is accepted`);
      return undefined;
    }
    // A schema of anything but a text is about what the text stands for, such as XML.
    const ofText = format === 'text' && own(references.follow(node).value, 'type') === 'string';
    if (!ofText && !STRUCTURED.includes(format)) {
      if (saysMore(node.value)) warnings.add(node, `a payload of ${format} has no schema; left out`);
      return {};
    }
    const schema = bundleSchema(node, references, warnings, { draft: payload.draft });
    const made = compiled(schema, payload.draft);
    if ('misfit' in made) return { schema, misfit: made.misfit };
    warnings.add(node, `the contract has no schema, because the gateway would refuse it: ${made.problem}`);
    return { schema, unusable: true };
  }

  /** Undefined: none, or none that can be read, after a warning. */
  #payload(message: Node): Payload | undefined {
    const { references, warnings } = this.reading;
    let node = references.at(message, 'payload');
    if (node.value === undefined) return undefined;
    let schemaFormat = textOf(inherited(message, references, 'schemaFormat'));
    if (own(node.value, 'schemaFormat') !== undefined) {
      schemaFormat = textOf(own(node.value, 'schemaFormat'));
      node = references.at(node, 'schema');
    }
    if (isProtobuf(schemaFormat) && typeof node.value === 'string') return { node, protobuf: node.value };
    const read = draftOfFormat(schemaFormat);
    if ('fault' in read) {
      warnings.add(node, `a schema of ${read.fault} cannot be taken over; the contract has none`);
      return undefined;
    }
    if (read.as !== undefined) warnings.add(node, `a schema of ${read.as} is read as ${read.draft}`);
    const dialect = own(node.value, '$schema');
    const draft = dialect === undefined ? read.draft : draftOfDialect(dialect);
    if (draft === undefined) warnings.add(node, `the $schema ${textOf(dialect) ?? 'here'} is read as ${read.draft}`);
    return { node, draft: draft ?? read.draft };
  }

  /** Undefined: any bytes are valid. */
  #format(message: Node, payload: Payload | undefined): Format | undefined {
    const { references, warnings } = this.reading;
    const given = inherited(message, references, 'contentType');
    const contentType = textOf(given) ?? textOf(own(references.root.value, 'defaultContentType'));
    const format = contentType === undefined ? undefined : formatOf(contentType);
    if (payload && 'protobuf' in payload) {
      // Many documents say octet-stream of it, or carry the JSON of a default.
      if (textOf(given) !== undefined && format !== 'protobuf' && format !== 'bytes') {
        warnings.add(message, `the content type ${contentType} is not that of its schema, which is taken`);
      }
      return 'protobuf';
    }
    if (contentType === undefined) return payload ? 'json' : undefined;
    if (format === 'bytes') return undefined;
    if (format !== undefined && format !== 'protobuf') return format;
    const why = format ? 'needs a .proto file, which is named by hand' : 'is not known';
    warnings.add(message, `the content type ${contentType} ${why}; any payload is accepted`);
    return undefined;
  }
}

/** A text is described completely by saying that it is one. */
function saysMore(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  return Object.keys(schema).some(
    (key) => !/^(type|title|description|examples?|contentEncoding|contentMediaType|x-.*)$/.test(key),
  );
}
