/** The link to the broker: how it is, and when and why it was not. */
import type { LinkDrop, LinkStatus } from '../../domain/link.js';
import { clock, count, lasting, many, percent, shortClock, span } from '../shown/format.js';
import { bars, downMs, knownFromMs, outages, type Outage } from '../shown/outages.js';
import { visible } from '../shown/text.js';
import type { Level } from '../shown/verdict.js';
import { useState } from 'preact/hooks';
import { nowMs, status } from './live.js';
import { Choice, Facts, Mark, Panel, ProblemNote, When } from './parts.js';
import { useRead } from './read.js';

const HOUR_MS = 3_600_000;
const SPANS = { '1 h': HOUR_MS, '24 h': 24 * HOUR_MS, '7 d': 7 * 24 * HOUR_MS } as const;
const LEVELS: { readonly [state in LinkStatus['state']]: Level } = {
  up: 'well',
  idle: 'unknown',
  connecting: 'warning',
  waiting: 'critical',
  stopped: 'critical',
};

/** @param old it may be otherwise by now */
export function LinkState({ link, old }: { link: Pick<LinkStatus, 'state' | 'since' | 'retryAt'>; old?: boolean }) {
  const retry = link.retryAt === undefined ? undefined : (Date.parse(link.retryAt) - nowMs.value) / 1000;
  return (
    <>
      <Mark level={old === true ? 'unknown' : LEVELS[link.state]}>{link.state}</Mark>{' '}
      <small>for {lasting(link.since, nowMs.value)}</small>
      {retry !== undefined && <small>, next attempt {retry > 0 ? `in ${span(Math.ceil(retry))}` : 'now'}</small>}
    </>
  );
}

export function Link() {
  const { data: link, problem } = useRead<LinkStatus>('v1/link', 3_000, ['link/up', 'link/down', 'link/canary']);
  return (
    <>
      <Panel title="Link">
        <ProblemNote problem={problem} />
        {link && <LinkFacts link={link} />}
      </Panel>
      {link && <Timeline link={link} />}
      {link && <Drops drops={link.drops} />}
    </>
  );
}

function LinkFacts({ link }: { link: LinkStatus }) {
  const { counters, denied, unanswered, canary } = link;
  const refused = Object.entries(denied).map(
    ([name, code]) => `${name} (${code === null ? 'hung up' : `code ${code}`})`,
  );
  const rows: Parameters<typeof Facts>[0]['rows'] = [
    ['State', <LinkState link={link} />],
    ['Broker', <code>{visible(link.url)}</code>],
    ['Client id', <code>{visible(link.clientId)}</code>],
    ['Protocol', `MQTT ${link.protocol}`],
    [
      'Session',
      link.sessionPresent ? 'resumed: the broker kept what came meanwhile' : 'new: the broker had kept nothing',
    ],
    ['Subscribed', link.subscribed.length === 0 ? 'nothing' : visible(link.subscribed.join(', '))],
    ['Connects', `${count(counters.connects)} since the start`],
    ['Acks waiting', count(link.pendingAcks)],
  ];
  if (refused.length > 0) rows.push(['Refused', <Mark level="critical">{visible(refused.join(', '))}</Mark>]);
  if (unanswered.length > 0) rows.push(['Unanswered', <Mark level="warning">{visible(unanswered.join(', '))}</Mark>]);
  if (counters.dropped > 0) rows.push(['Dropped', `${many(counters.dropped, 'message')} of QoS 0 over the bound`]);
  if (canary) {
    const { silent, seconds } = canary;
    const words = silent ? `silent for ${span(seconds)}` : `came back after ${span(seconds)}`;
    rows.push(['Canary', <Mark level={silent ? 'critical' : 'well'}>{words}</Mark>]);
  }
  return <Facts rows={rows} />;
}

function Timeline({ link }: { link: LinkStatus }) {
  const [chosen, choose] = useState<keyof typeof SPANS>('24 h');
  const spanMs = SPANS[chosen];
  const all = outages(link);
  const now = nowMs.value;
  const shown = bars(all, now, spanMs);
  const knownMs = Math.min(spanMs, Math.max(0, now - knownFromMs(all, link, status.value?.startedAt, now)));
  const known = 1000 * (knownMs / spanMs);
  const words = inWords({ chosen, spanMs, outageCount: shown.length, knownMs, downMs: downMs(all, now, knownMs) });
  return (
    <Panel title="Timeline" aside={<Choice name="Span" values={SPANS} chosen={chosen} choose={(key) => choose(key)} />}>
      <svg class="timeline" viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label={words}>
        <rect class="unknown" x="0" y="12" width="1000" height="16" rx="3">
          <title>not known</title>
        </rect>
        <rect class="up" x={1000 - known} y="12" width={known} height="16" rx="3" />
        {shown.map(({ from, to, outage }) => (
          <rect
            key={outage.fromMs}
            class={outage.drop.wasUp ? 'down' : 'down refused'}
            x={Math.min(996, from * 1000)}
            y="4"
            width={Math.max(4, (to - from) * 1000)}
            height="32"
            rx="2"
          >
            <title>{label(outage)}</title>
          </rect>
        ))}
      </svg>
      <p class="axis" aria-hidden="true">
        <span>{shortClock(new Date(now - spanMs).toISOString(), now)}</span>
        <span>{shortClock(new Date(now - spanMs / 2).toISOString(), now)}</span>
        <span>now</span>
      </p>
      <p>{words}</p>
    </Panel>
  );
}

interface Known {
  chosen: string;
  spanMs: number;
  outageCount: number;
  knownMs: number;
  /** Of what is known. */
  downMs: number;
}

function inWords({ chosen, spanMs, outageCount, knownMs, downMs }: Known): string {
  const partly = knownMs < spanMs;
  const first = `${outageCount === 0 ? 'No outage' : many(outageCount, 'outage')}${partly ? ' known' : ''} in the last ${chosen}`;
  if (knownMs < 1_000) return `${first}. Whether the link was up is not known.`;
  const down = downMs === 0 ? '' : `, down for ${span(downMs / 1000)}`;
  const share = percent(1 - downMs / knownMs);
  if (partly)
    return `${first}. Up for ${share} of the last ${span(knownMs / 1000)}${down}; what was before is not known.`;
  return outageCount === 0 ? `${first}.` : `${first}${down}: up for ${share}.`;
}

function label({ drop, fromMs, toMs, open }: Outage): string {
  const begin = clock(new Date(fromMs).toISOString());
  const end = open ? 'it lasts' : toMs === undefined ? 'end not known' : `for ${span((toMs - fromMs) / 1000)}`;
  return `${drop.cause}, ${begin}, ${end}`;
}

function Drops({ drops }: { drops: LinkDrop[] }) {
  return (
    <Panel title="Drops and refusals">
      {drops.length === 0 && <p class="empty">None is known.</p>}
      <ol class="drops">
        {drops.map((drop) => (
          <li key={`${drop.firstAt ?? drop.at} ${drop.cause} ${drop.wasUp}`}>
            <h3>
              <Mark level={drop.wasUp ? 'critical' : 'warning'}>{drop.wasUp ? 'Dropped' : 'Refused'}</Mark>{' '}
              <span class="cause">{drop.cause}</span> <small>{drop.confidence}</small>
              {drop.count !== undefined && <small>, {count(drop.count)} times</small>}
            </h3>
            <p class="when">
              <When at={drop.at} />
            </p>
            <p>
              <strong>{visible(drop.mend)}</strong>
            </p>
            <ul>
              {drop.evidence.map((line, index) => (
                <li key={index}>{visible(line)}</li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
