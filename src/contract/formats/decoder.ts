import {
  CONTRACT_LIMITS,
  type ContractFormat,
  type ContractLimits,
  type ContractSettings,
} from '../../domain/contract.js';
import type { MessageProperties } from '../../domain/message.js';
import type { Problem } from '../../domain/record.js';
import { FileMemory } from '../file-memory.js';
import { decodeCbor } from './cbor.js';
import { expanded } from './expand.js';
import { decodeJson } from './json.js';
import { base64Of } from './json-like.js';
import { formatOf } from './media-type.js';
import { decodeMsgpack } from './msgpack.js';
import { loadProtobuf } from './protobuf.js';
import { decodeText } from './text.js';
import { answered, unfit, type UnfitReason } from './unfit.js';

export type Decoded =
  /** `json`: the bytes of the payload, expanded, when they are JSON themselves. */
  { ok: true; value: unknown; json?: Uint8Array } | { ok: false; reason: UnfitReason; problem: Problem };

/** Payload bytes as a JSON-like value. Never throws, and is bounded in time and memory by the size of the payload. */
export type Decoder = (payload: Uint8Array, properties: MessageProperties | null) => Decoded;

type Format = Exclude<ContractFormat, 'auto'>;
type Decode = (payload: Uint8Array) => Decoded;

export type DecoderSettings = Pick<ContractSettings, 'format' | 'compression' | 'protobuf' | 'limits'>;

/** How the payloads of a contract are read. @throws Error that says what is wrong with the settings */
export async function loadDecoder(settings: DecoderSettings, memory = new FileMemory()): Promise<Decoder> {
  const limits = { ...CONTRACT_LIMITS, ...settings.limits };
  const decode = await formatDecoder(settings, limits, memory);
  return bounded(unpacking(decode, settings.compression ?? 'none', limits), limits);
}

async function formatDecoder(
  { format, protobuf }: DecoderSettings,
  limits: ContractLimits,
  memory: FileMemory,
): Promise<Decoder> {
  if (format === 'protobuf' && !protobuf) throw new Error('format protobuf needs the key protobuf');
  const decoders: { [name in Format]?: Decode } = {
    json: (payload) => decodeJson(payload, limits),
    text: (payload) => decodeText(payload, limits),
    bytes: (payload) => ({ ok: true, value: base64Of(payload) }),
    cbor: (payload) => decodeCbor(payload, limits),
    msgpack: (payload) => decodeMsgpack(payload, limits),
    ...(protobuf && { protobuf: await loadProtobuf(protobuf, limits, memory) }),
  };
  return format === 'auto' ? byContentType(decoders) : decoders[format]!;
}

function byContentType(decoders: { [name in Format]?: Decode }): Decoder {
  return (payload, properties) => {
    const contentType = properties?.contentType;
    const format = formatOf(contentType);
    const decode = format && decoders[format];
    if (decode) return decode(payload);
    const why = format ? `is ${format}, and the contract has no key ${format}` : 'names no format that is known';
    return unfit('content-type', 'content-type', `the content type ${JSON.stringify(contentType)} ${why}`);
  };
}

function unpacking(
  decode: Decoder,
  compression: NonNullable<DecoderSettings['compression']>,
  { maxExpanded }: ContractLimits,
): Decoder {
  if (compression === 'none') return decode;
  return (payload, properties) =>
    answered(compression, () => decode(expanded(payload, properties, compression, maxExpanded), properties));
}

function bounded(decode: Decoder, { maxBytes }: ContractLimits): Decoder {
  if (maxBytes === Infinity) return decode;
  return (payload, properties) => {
    if (payload.length <= maxBytes) return decode(payload, properties);
    return unfit('too-large', 'maxBytes', `the payload has ${payload.length} bytes; ${maxBytes} are allowed`);
  };
}
