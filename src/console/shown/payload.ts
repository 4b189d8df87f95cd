/** Payloads as they are looked at. */
import { visibleLines } from './text.js';

/** As the lists and the stream have it: text where it is UTF-8, base64 otherwise. */
export interface Payload {
  payload?: string;
  payloadBase64?: string;
}

/** More than this is not drawn: a page of a megabyte of text stands still. */
export const SHOWN_BYTES_MAX = 64 * 1024;
const HEX_WIDTH = 16;

export function bytesOf({ payload, payloadBase64 }: Payload): Uint8Array {
  if (payloadBase64 === undefined) return new TextEncoder().encode(payload ?? '');
  return Uint8Array.from(atob(payloadBase64), (character) => character.charCodeAt(0));
}

export interface Shown {
  kind: 'JSON' | 'text' | 'hex';
  text: string;
  /** Bytes that are not in it, because it would be too long. */
  left: number;
}

/** What it is most readable as. */
export function shown(payload: Payload): Shown {
  if (payload.payloadBase64 !== undefined) return asHex(payload);
  const size = bytesOf(payload).length;
  const text = payload.payload ?? '';
  if (size > SHOWN_BYTES_MAX) return clippedText(text, size);
  try {
    const value: unknown = JSON.parse(text);
    // Numbers that JavaScript cannot hold would be shown as others.
    if (typeof value === 'object' && value !== null && exact(text)) {
      return { kind: 'JSON', text: visibleLines(JSON.stringify(value, null, 2)), left: 0 };
    }
  } catch {
    // It is no JSON.
  }
  return { kind: 'text', text: visibleLines(text), left: 0 };
}

export function asText(payload: Payload): Shown {
  const bytes = bytesOf(payload);
  return clippedText(payload.payload ?? new TextDecoder().decode(bytes), bytes.length);
}

/** Lines of offset, 16 bytes and what of them is printable. */
export function asHex(payload: Payload): Shown {
  const bytes = bytesOf(payload);
  const lines: string[] = [];
  const end = Math.min(bytes.length, SHOWN_BYTES_MAX);
  for (let at = 0; at < end; at += HEX_WIDTH) {
    const row = [...bytes.subarray(at, Math.min(at + HEX_WIDTH, end))];
    const digits = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const halves = `${digits.slice(0, 8).join(' ')}  ${digits.slice(8).join(' ')}`.padEnd(HEX_WIDTH * 3);
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${halves}  ${text}`);
  }
  return { kind: 'hex', text: lines.join('\n'), left: bytes.length - end };
}

function clippedText(text: string, size: number): Shown {
  const part = text.slice(0, SHOWN_BYTES_MAX);
  return { kind: 'text', text: visibleLines(part), left: size - new TextEncoder().encode(part).length };
}

/** Whether no number is longer than what a double surely keeps. */
function exact(json: string): boolean {
  return !/\d{16}|\d[eE][+-]?\d{3}/.test(json.replace(/"(?:[^"\\]|\\.)*"/gs, ''));
}
