/** The views, and which of them the address asks for: each has an address of its own, to be sent to somebody. */
import { computed, signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import type { Panel, Status } from '../shown/types.js';
import { Config } from './config.js';
import { Doctor } from './doctor.js';
import { Link } from './link.js';
import { Overview } from './overview.js';
import { Publish } from './publish.js';
import { Journal, Rates } from './rates.js';
import { DeadLetters, Rejections } from './shelves.js';
import { Subscribers } from './subscribers.js';
import { Tail } from './tail.js';

interface View {
  id: Panel | 'overview' | 'tail' | 'doctor';
  name: string;
  View: ComponentType;
  /** A figure beside the name, where there is something to see. */
  figure?: (status: Status) => number;
}

export const VIEWS: readonly View[] = [
  { id: 'overview', name: 'Overview', View: Overview, figure: ({ findings }) => findings.length },
  { id: 'link', name: 'Link', View: Link },
  { id: 'rates', name: 'Rates', View: Rates },
  { id: 'journal', name: 'Journal', View: Journal },
  { id: 'subscribers', name: 'Subscribers', View: Subscribers, figure: unwell },
  { id: 'dead-letters', name: 'Dead letters', View: DeadLetters, figure: ({ subscribers }) => subscribers.deadLetters },
  { id: 'rejections', name: 'Rejections', View: Rejections, figure: ({ journal }) => journal.rejections },
  { id: 'tail', name: 'Tail', View: Tail },
  { id: 'publish', name: 'Publish', View: Publish },
  { id: 'config', name: 'Config', View: Config },
  { id: 'doctor', name: 'Doctor', View: Doctor },
];

function unwell({ subscribers: { states } }: Status): number {
  return states.broken + states.gone + states.paused;
}

/** As in `#dead-letters?subscriber=app`. */
export const address = signal(location.hash.slice(1));
export const view = computed(() => address.value.split('?')[0] || 'overview');

addEventListener('hashchange', () => {
  address.value = location.hash.slice(1);
  scrollTo(0, 0);
});
