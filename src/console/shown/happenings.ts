/** What was told, as one sentence each. */
import { bytes, many } from './format.js';
import { failureInWords } from './rest.js';
import { clipped } from './text.js';
import type { Told } from './types.js';
import type { Level } from './verdict.js';

const DETAIL_MAX = 160;

export interface Happening {
  level: Level;
  text: string;
}

export function happening(told: Told): Happening {
  switch (told.name) {
    case 'link/up':
      return {
        level: 'well',
        text: `The link is up${told.after === null ? '' : ` again after ${told.after}`}; the session was ${told.sessionPresent ? 'resumed' : 'new'}.`,
      };
    case 'link/down':
      return { level: 'critical', text: `The link dropped: ${told.cause} (${told.confidence}). ${told.mend}` };
    case 'link/session-lost':
      return { level: 'critical', text: `The broker forgot the session: messages may be missing until ${told.to}.` };
    case 'link/subscription-denied':
      return {
        level: 'critical',
        text: `The broker refuses the subscription ${told.subscription} (${answer(told.code)}).`,
      };
    case 'link/canary':
      return told.silent
        ? { level: 'critical', text: `The canary is silent: ${told.cause ?? 'nobody knows why'}. ${told.mend ?? ''}` }
        : { level: 'well', text: 'The canary comes back again.' };
    case 'journal/state':
      return told.state === 'full'
        ? { level: 'critical', text: `The journal is full: ${told.reason}` }
        : { level: 'well', text: 'The journal takes messages again.' };
    case 'journal/near-full':
      return told.near
        ? { level: 'warning', text: `The journal is nearly full: ${bytes(told.bytes)} of ${bytes(told.maxBytes)}.` }
        : { level: 'well', text: 'The journal has room again.' };
    case 'reload':
      return {
        level: told.result === 'refused' || told.result === 'incomplete' ? 'warning' : 'info',
        text: `The configuration was reloaded: ${told.result}.${told.needsRestart.length > 0 ? ` ${told.needsRestart.join(', ')} wait for a restart.` : ''}`,
      };
    case 'rejections':
      return {
        level: 'warning',
        text: `The contract ${told.contract} rejected ${many(told.count, 'message')} (${told.reason}).`,
      };
    case 'subscriber/state':
    case 'subscriber/dead-letter':
    case 'subscriber/discarded':
      return ofSubscriber(told);
  }
}

function ofSubscriber(told: Extract<Told, { subscriber: string }>): Happening {
  switch (told.name) {
    case 'subscriber/state': {
      const level = told.state === 'active' ? 'well' : told.state === 'paused' ? 'info' : 'warning';
      const why = told.reason === '' ? '' : `: ${clipped(told.reason, DETAIL_MAX)}`;
      return { level, text: `${told.subscriber} is ${told.state}${why}.` };
    }
    case 'subscriber/dead-letter': {
      const { subscriber, topic, reason, status, attempts } = told;
      const last = failureInWords({ reason, status });
      return {
        level: 'warning',
        text: `A dead letter for ${subscriber}: ${clipped(topic, DETAIL_MAX)}, ${many(attempts, 'attempt')}, ${last}.`,
      };
    }
    case 'subscriber/discarded':
      return {
        level: 'critical',
        text: `${many(told.records, 'record')} of ${told.subscriber} were given up (${told.reason}): ${told.from} to ${told.through}.`,
      };
  }
}

function answer(code: number | null): string {
  return code === null ? 'it hung up' : `code ${code}`;
}
