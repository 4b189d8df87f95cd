import type { ContractFormat } from '../../domain/contract.js';

type Format = Exclude<ContractFormat, 'auto'>;

/** In this order: `text/json` is JSON. */
const TYPES: readonly (readonly [RegExp, Format])[] = [
  [/^(application|text)\/json$|\+json$/, 'json'],
  [/^text\/./, 'text'],
  [/^application\/cbor$|\+cbor$/, 'cbor'],
  [/^application\/(msgpack|x-msgpack|vnd\.msgpack)$|\+msgpack$/, 'msgpack'],
  [/^application\/(protobuf|x-protobuf|vnd\.google\.protobuf)$|\+protobuf$/, 'protobuf'],
  [/^application\/octet-stream$/, 'bytes'],
];

/** What a content type says of the bytes, whatever its parameters; JSON when there is none. undefined: nothing known. */
export function formatOf(contentType: string | undefined): Format | undefined {
  const type = contentType?.split(';', 1)[0]!.trim().toLowerCase() ?? '';
  if (type === '') return 'json';
  return TYPES.find(([pattern]) => pattern.test(type))?.[1];
}
