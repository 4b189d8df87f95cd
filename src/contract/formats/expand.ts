import { gunzipSync, inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib';
import type { ContractCompression } from '../../domain/contract.js';
import type { MessageProperties } from '../../domain/message.js';
import { thrownText } from '../problem.js';
import { Unfit } from './unfit.js';

type Coding = 'gzip' | 'deflate';

const CODINGS: { readonly [name: string]: Coding | undefined } = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  identity: undefined,
  '': undefined,
};

/**
 * The payload without its compression.
 * @param maxExpanded bytes; a payload that expands to more is given up as soon as that is known
 * @throws Unfit when it cannot be expanded, or is too large then
 */
export function expanded(
  payload: Uint8Array,
  properties: MessageProperties | null,
  compression: Exclude<ContractCompression, 'none'>,
  maxExpanded: number,
): Uint8Array {
  if (compression !== 'auto') return expand(payload, compression, maxExpanded);
  const declared = properties?.userProperties?.find(([name]) => name.toLowerCase() === 'content-encoding')?.[1];
  if (declared !== undefined) return expandDeclared(payload, declared, maxExpanded);
  if (payload[0] === 0x1f && payload[1] === 0x8b) return expand(payload, 'gzip', maxExpanded);
  return hasZlibHead(payload) ? expandGuessed(payload, maxExpanded) : payload;
}

function expandDeclared(payload: Uint8Array, declared: string, maxExpanded: number): Uint8Array {
  const name = declared.trim().toLowerCase();
  if (!Object.hasOwn(CODINGS, name)) {
    const message = `its content-encoding is ${JSON.stringify(declared)}; gzip, deflate and identity are known`;
    throw new Unfit('compression', 'content-encoding', message);
  }
  const coding = CODINGS[name];
  return coding ? expand(payload, coding, maxExpanded) : payload;
}

/** Other payloads begin like this, too. */
function expandGuessed(payload: Uint8Array, maxExpanded: number): Uint8Array {
  try {
    return expand(payload, 'deflate', maxExpanded);
  } catch (error) {
    if (error instanceof Unfit && error.reason === 'too-large') throw error;
    return payload;
  }
}

function expand(payload: Uint8Array, coding: Coding, maxExpanded: number): Uint8Array {
  const options: ZlibOptions = { maxOutputLength: maxExpanded };
  try {
    if (coding === 'gzip') return gunzipSync(payload, options);
    // By the standard there is a head around it [RFC 9110, 8.4.1.2]; some send it bare.
    return hasZlibHead(payload) ? inflateSync(payload, options) : inflateRawSync(payload, options);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Unfit('too-large', 'maxExpanded', `the payload expands to more than ${maxExpanded} bytes`);
    }
    throw new Unfit('compression', coding, `the payload cannot be expanded as ${coding}: ${thrownText(error)}`);
  }
}

/** [RFC 1950, 2.2] */
function hasZlibHead([method = 0, flags = 0]: Uint8Array): boolean {
  return (method & 0x0f) === 8 && method >> 4 <= 7 && ((method << 8) | flags) % 31 === 0;
}
