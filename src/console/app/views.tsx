/** The views, and which of them the address asks for: each has an address of its own, to be sent to somebody. */
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import type { Panel, Status } from '../shown/types.js';
import { Link } from './link.js';
import { Overview } from './overview.js';

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
];

const asked = (): string => location.hash.slice(1) || 'overview';
export const view = signal(asked());

addEventListener('hashchange', () => {
  view.value = asked();
  scrollTo(0, 0);
});
