import type { ContractSettings } from '../../domain/contract.js';
import type { MessageProperties } from '../../domain/message.js';
import type { Problem, RejectionReason } from '../../domain/record.js';
import { decodeJson } from './json.js';

export type Decoded =
  | { ok: true; value: unknown }
  | { ok: false; reason: Extract<RejectionReason, 'encoding' | 'syntax' | 'too-deep'>; problem: Problem };

/** Payload bytes as a value. Never throws, and is bounded in time and memory by the size of the payload. */
export type Decoder = (payload: Uint8Array, properties: MessageProperties | null) => Decoded;

/** How the payloads of a contract are read. @throws Error that says what is wrong with the settings */
export function loadDecoder({ format }: Pick<ContractSettings, 'format'>): Promise<Decoder> {
  const decoders: { [name in ContractSettings['format']]: Decoder } = { json: (payload) => decodeJson(payload) };
  return Promise.resolve(decoders[format]);
}
