/** Content types and the formats of contracts. */

const CONTENT_TYPES = {
  json: 'application/json',
  text: 'text/plain',
  bytes: 'application/octet-stream',
  cbor: 'application/cbor',
  msgpack: 'application/vnd.msgpack',
  protobuf: 'application/x-protobuf',
} as const;

export type Format = keyof typeof CONTENT_TYPES;

const FORMATS: readonly (readonly [RegExp, Format])[] = [
  [/^(application|text)\/json$|\+json$/, 'json'],
  [/^application\/cbor$|\+cbor$/, 'cbor'],
  [/^application\/(vnd\.|x-)?(msgpack|messagepack)$|\+msgpack$/, 'msgpack'],
  [/^application\/(vnd\.google\.|x-|x-google-)?protobuf$|\+proto(buf)?$/, 'protobuf'],
  [/^text\/|^application\/(xml|yaml|x-yaml)$|\+(xml|yaml)$/, 'text'],
  [/^application\/octet-stream$|^(image|audio|video)\//, 'bytes'],
];

/** The format for a content type such as `application/json; charset=utf-8`; undefined when none is known. */
export function formatOf(contentType: string): Format | undefined {
  const essence = contentType.split(';', 1)[0]!.trim().toLowerCase();
  return FORMATS.find(([pattern]) => pattern.test(essence))?.[1];
}

/** Undefined for a format that says nothing of the content. */
export function contentTypeOf(format: string): string | undefined {
  return Object.hasOwn(CONTENT_TYPES, format) ? CONTENT_TYPES[format as Format] : undefined;
}
