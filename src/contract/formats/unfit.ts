import type { RejectionReason } from '../../domain/record.js';
import { problem, thrownText } from '../problem.js';
import type { Decoded } from './decoder.js';

/** Why a payload cannot be made a value. */
export type UnfitReason = Extract<
  RejectionReason,
  'content-type' | 'compression' | 'encoding' | 'syntax' | 'too-large' | 'too-deep' | 'too-many'
>;

/** Thrown within a decoder, and made its answer by {@link answered}. */
export class Unfit extends Error {
  constructor(
    readonly reason: UnfitReason,
    readonly rule: string,
    message: string,
  ) {
    super(message);
  }
}

export function unfit(reason: UnfitReason, rule: string, message: string): Extract<Decoded, { ok: false }> {
  return { ok: false, reason, problem: problem('', rule, message) };
}

/** What `decode` returns, or what it throws as an answer: a library's own error says that the payload is no `rule`. */
export function answered(rule: string, decode: () => Decoded): Decoded {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Unfit) return unfit(error.reason, error.rule, error.message);
    return unfit('syntax', rule, `the payload is not ${rule}: ${thrownText(error)}`);
  }
}
