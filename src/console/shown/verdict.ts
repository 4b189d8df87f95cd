/** The one line that stands above all: how the gateway is. */
import { many } from './format.js';
import type { Finding, Status } from './types.js';

/** `unknown`: the page does not know now, so it must not say that all is well. */
export type Level = 'critical' | 'warning' | 'info' | 'well' | 'unknown';

export interface Verdict {
  level: Level;
  /** One word or two. */
  word: string;
  text: string;
  /** Of what `text` tells. */
  since?: string;
}

/** @param heard whether what is known was said just now */
export function verdict(status: Status | undefined, heard: boolean): Verdict {
  if (status === undefined) return { level: 'unknown', word: 'Unknown', text: 'Nothing is known of the gateway yet.' };
  if (!heard) {
    return {
      level: 'unknown',
      word: 'No answer',
      text: 'The gateway does not answer. What is shown is the last it said.',
    };
  }
  const { findings } = status;
  const [worst] = findings;
  if (worst === undefined) return { level: 'well', word: 'All is well', text: 'Nothing needs you.' };
  const others = findings.length - 1;
  return {
    level: worst.severity,
    word: WORDS[worst.severity],
    text: others === 0 ? worst.what : `${worst.what} ${many(others, 'more finding')}.`,
    since: worst.since,
  };
}

export const WORDS: { readonly [severity in Finding['severity']]: string } = {
  critical: 'Critical',
  warning: 'Warning',
  info: 'Note',
};
