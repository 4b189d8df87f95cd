import { compileProblem } from './compiles.js';
import { formatOf, type Format } from './content-type.js';
import { draftOfDialect, draftOfFormat, type Draft } from './dialect.js';
import { isObject, own, textOf, type JsonObject } from './json.js';
import type { Names } from './names.js';
import { inherited, type Operation, type Reading } from './operations.js';
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
}

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
    const format = this.#format(message, payload !== undefined);
    if (inherited(message, references, 'headers') !== undefined) {
      warnings.add(message, 'its headers are not checked: contracts look at the payload');
    }
    if (format === undefined) return undefined;
    const last = message.pointer.split('/').at(-1)!.replaceAll('~1', '/');
    const named = textOf(own(message.value, 'name')) ?? textOf(own(message.value, 'messageId'));
    const fromPlace = /^(message|payload|\d+|)$/.test(last) ? undefined : last;
    const name = this.names.take(
      named,
      fromPlace,
      key,
      operation.name,
      textOf(own(message.value, 'title')),
      operation.address,
    );
    if (!payload) return { name, format };
    if (!STRUCTURED.includes(format)) {
      if (saysMore(payload.node.value)) warnings.add(payload.node, `a payload of ${format} has no schema; left out`);
      return { name, format };
    }
    const schema = bundleSchema(payload.node, references, warnings, { draft: payload.draft });
    const problem = compileProblem(schema, payload.draft);
    if (problem === undefined) return { name, format, schema };
    warnings.add(payload.node, `the contract has no schema, because the gateway would refuse it: ${problem}`);
    return { name, format, schema, unusable: true };
  }

  /** Undefined: none, or none that can be read, after a warning. */
  #payload(message: Node): { node: Node; draft: Draft } | undefined {
    const { references, warnings } = this.reading;
    let node = references.at(message, 'payload');
    if (node.value === undefined) return undefined;
    let schemaFormat = textOf(inherited(message, references, 'schemaFormat'));
    if (own(node.value, 'schemaFormat') !== undefined) {
      schemaFormat = textOf(own(node.value, 'schemaFormat'));
      node = references.at(node, 'schema');
    }
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
  #format(message: Node, hasSchema: boolean): Format | undefined {
    const { references, warnings } = this.reading;
    const given = inherited(message, references, 'contentType');
    const contentType = textOf(given) ?? textOf(own(references.root.value, 'defaultContentType'));
    if (contentType === undefined) return hasSchema ? 'json' : undefined;
    const format = formatOf(contentType);
    if (format === 'bytes') return undefined;
    if (format === undefined || format === 'protobuf') {
      const why = format ? 'needs a .proto file, which is named by hand' : 'is not known';
      warnings.add(message, `the content type ${contentType} ${why}; any payload is accepted`);
      return undefined;
    }
    return format;
  }
}

/** A text is described completely by saying that it is one. */
function saysMore(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  return Object.keys(schema).some(
    (key) => !/^(type|title|description|examples?|contentEncoding|contentMediaType|x-.*)$/.test(key),
  );
}
