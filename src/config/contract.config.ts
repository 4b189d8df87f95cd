import { Optional, Required } from './field.js';
import { classReference, contractName, filePath, jsonPointer } from './format.js';
import { duration, size, text, whole, words } from './scalar.js';
import type { MapShape } from './shape.js';
import { list, map, object } from './shape.js';

/** Each is tried in turn, and a rejection says what each said. */
const MEMBERS_MAX = 20;
const VALUES_MAX = 256;

const member = text({
  max: 63,
  check: (name) => contractName(name)?.message,
  mend: 'Write the name of one of the contracts.',
});

const value: MapShape['checkName'] = (written) =>
  written.length <= 1_024 ? undefined : { message: 'is too long', mend: 'Write up to 1024 characters.' };

export class ProtobufConfig {
  /** `.proto` file; with any other ending a compiled FileDescriptorSet (`protoc --include_imports -o FILE`). */
  @Required(filePath, 'file: contracts/telemetry.proto')
  file!: string;

  /** Full name of the message's type. */
  @Required(
    text({
      max: 1_024,
      check: (name) => (/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(name) ? undefined : 'is not the name of a message'),
      mend: 'Write it with its package, such as acme.Telemetry.',
    }),
    'message: acme.Telemetry',
  )
  message!: string;

  /** Folder that the imports of a `.proto` file are in; none may lead out of it. Default: the folder of `file`. */
  @Optional(filePath)
  root?: string;
}

export class LimitsConfig {
  /** Bytes of a payload as it came, 1B to 256MiB. Default: what session.maxPacket lets in. */
  @Optional(size('1B', '256MiB'))
  maxBytes?: string;

  /** Bytes of a compressed payload once it is expanded, 1B to 64MiB. Default 4MiB. */
  @Optional(size('1B', '64MiB'))
  maxExpanded = '4MiB';

  /** Levels of arrays and objects within each other, 1 to 1000; messages of protobuf end at 100. Default 128. */
  @Optional(whole(1, 1_000))
  maxDepth = 128;

  /** Keys of all objects of a payload together, 0 to 10000000; arrays and objects may be ten times as many. Default 10000. */
  @Optional(whole(0, 10_000_000))
  maxKeys = 10_000;

  /** Bytes of one text in UTF-8, or of one byte string, 1B to 256MiB. Default 1MiB. */
  @Optional(size('1B', '256MiB'))
  maxString = '1MiB';

  /** Time for the check of one payload, 50ms to 60s; then it is stopped and the record rejected. Default 1s. */
  @Optional(duration('50ms', '60s'))
  budget = '1s';
}

export class ContractConfig {
  /**
   * How the payload is decoded; `auto`: by its MQTT 5 content type, as JSON when it has none. With `text` and `bytes` there
   * is little to check: `text` has no `class`, `bytes` nothing but `limits`. Default json.
   */
  @Optional(words('json', 'text', 'bytes', 'cbor', 'msgpack', 'protobuf', 'auto'))
  format = 'json';

  /** What is around the payload; `auto`: by the user property `content-encoding`, or by how the payload begins. Default none. */
  @Optional(words('none', 'gzip', 'deflate', 'auto'))
  compression = 'none';

  /** What messages of `format: protobuf` are; with `auto`, what those of its content types are. */
  @Optional(object(ProtobufConfig))
  protobuf?: ProtobufConfig;

  /** What a payload may be at most; beyond it is a rejection. */
  @Optional(object(LimitsConfig))
  limits = new LimitsConfig();

  /** JSON Schema file (draft 2020-12, 2019-09 or 7, as its `$schema` says; 2020-12 by default). At most one of `schema` and `class`; neither: whatever can be decoded is valid. */
  @Optional(filePath)
  schema?: string;

  /** class-validator class, as `file#Export` of a JavaScript module. */
  @Optional(classReference)
  class?: string;

  /** Instead of a schema or class: 1 to 20 other contracts with the same format, of which exactly one must accept. */
  @Optional(list(member, { min: 1, max: MEMBERS_MAX }))
  oneOf?: string[];

  /** With `oneOf`: JSON pointer to the text, number or flag that says which contract is meant; only that one is asked. */
  @Optional(jsonPointer)
  discriminator?: string;

  /** With `discriminator`: which value means which contract. Default: the value is the contract's name. */
  @Optional(map(member, VALUES_MAX, value))
  mapping?: Map<string, string>;

  /** JSON pointers to values that no problem of a rejection shows, up to 100; `*` stands for any one step. Besides members whose name says so (password, token, secret and such). */
  @Optional(list(jsonPointer, { max: 100 }))
  redact: string[] = [];

  /** `enforce`: what fails is rejected and no subscriber sees it; `shadow`: it is counted and told, and delivered. Default enforce. */
  @Optional(words('enforce', 'shadow'))
  mode = 'enforce';
}
