/** What is wrong, since when, why, and what to do; then how everything is. */
import { bytes, count, lasting, many, percent, shortClock, span } from '../shown/format.js';
import { happening } from '../shown/happenings.js';
import { query } from '../shown/rest.js';
import type { Finding, Status } from '../shown/types.js';
import { visible } from '../shown/text.js';
import { WORDS } from '../shown/verdict.js';
import { feed, nowMs, status, statusProblem, told, untold } from './live.js';
import { LinkState } from './link.js';
import { AsOf, Facts, Mark, Panel, stale, When } from './parts.js';
import { JournalState } from './rates.js';

export function Overview() {
  const now = status.value;
  if (!now) return <p aria-busy={statusProblem.value === ''}>{statusProblem.value || 'Asking the gateway …'}</p>;
  return (
    <>
      <Findings findings={now.findings} />
      <div class="cards">
        <LinkCard now={now} />
        <JournalCard now={now} />
        <SubscribersCard now={now} />
        <ProcessCard now={now} />
      </div>
      <Happenings />
    </>
  );
}

function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <Panel title="What needs you">
      {findings.map((finding) => (
        <article key={`${finding.id} ${finding.subject}`} class={`finding ${finding.severity}`}>
          <header>
            <h3>
              <Mark level={finding.severity}>{WORDS[finding.severity]}</Mark> {visible(finding.what)}
            </h3>
            <a href={placeOf(finding)}>Show {finding.panel.replace('-', ' ')}</a>
          </header>
          <Facts
            rows={[
              [
                'Since',
                finding.since === undefined
                  ? 'not known'
                  : `${shortClock(finding.since, nowMs.value)}, for ${lasting(finding.since, nowMs.value)}`,
              ],
              ['Why', visible(finding.why)],
              ['Do', <strong>{visible(finding.mend)}</strong>],
            ]}
          />
        </article>
      ))}
    </Panel>
  );
}

/** Where more is shown; of one subscriber's dead letters only those. */
function placeOf({ panel, subject }: Finding): string {
  return `#${panel}${panel === 'dead-letters' ? query({ subscriber: subject }) : ''}`;
}

function LinkCard({ now: { link } }: { now: Status }) {
  return (
    <article class="card">
      <h3>
        <a href="#link">Link</a>
      </h3>
      {link ? (
        <>
          <p class="big">
            <LinkState link={link} old={stale(link)} />
          </p>
          <AsOf seen={link} />
          <Facts
            rows={[
              ['Broker', visible(link.url)],
              ['Session', link.sessionPresent ? 'resumed' : 'new'],
              ['Acks waiting', count(link.pendingAcks)],
              ['Last drop', link.lastDrop ? <When at={link.lastDrop.at} /> : 'none known'],
            ]}
          />
        </>
      ) : (
        <p>It has not started yet.</p>
      )}
    </article>
  );
}

/** Red however short the bar is: the disk may be full, and not what the journal may take. */
const FULL = { low: 1e-9, high: 2e-9 };

function JournalCard({ now: { journal } }: { now: Status }) {
  const share = journal.maxBytes === 0 ? 0 : journal.bytes / journal.maxBytes;
  return (
    <article class="card">
      <h3>
        <a href="#journal">Journal</a>
      </h3>
      <p class="big">
        <JournalState journal={journal} /> {percent(share)}
      </p>
      <AsOf seen={journal} />
      <meter
        min={0}
        max={1}
        {...(journal.state === 'full' ? FULL : { high: 0.85 })}
        optimum={0}
        value={share}
        aria-label="Of the room that the journal may take"
      >
        {percent(share)}
      </meter>
      <Facts
        rows={[
          ['Size', `${bytes(journal.bytes)} of ${bytes(journal.maxBytes)}`],
          ['Records', count(journal.records)],
          ['Commits', `p99 ${span(journal.commitSeconds.p99)}, at most ${span(journal.commitSeconds.max)}`],
          ['To be checked', count(Math.max(0, journal.last - journal.admitted))],
        ]}
      />
    </article>
  );
}

function SubscribersCard({ now: { subscribers } }: { now: Status }) {
  const { states } = subscribers;
  const all = Object.values(states).reduce((sum, one) => sum + one, 0);
  const bad = all - states.active;
  return (
    <article class="card">
      <h3>
        <a href="#subscribers">Subscribers</a>
      </h3>
      <p class="big">
        <Mark level={states.broken + states.gone > 0 ? 'warning' : bad > 0 ? 'info' : 'well'}>
          {count(states.active)} of {count(all)} active
        </Mark>
      </p>
      <Facts
        rows={[
          ['Not active', bad === 0 ? 'none' : `${states.broken} broken, ${states.gone} gone, ${states.paused} paused`],
          ['Lag', `${many(subscribers.lagRecords, 'record')}, oldest ${span(subscribers.lagSeconds)}`],
          ['Dead letters', <a href="#dead-letters">{count(subscribers.deadLetters)}</a>],
        ]}
      />
    </article>
  );
}

function ProcessCard({ now }: { now: Status }) {
  const { contracts, threads } = now;
  const slowest = Object.entries(threads).sort(([, a], [, b]) => b.worstDelaySeconds - a.worstDelaySeconds)[0];
  const late = slowest !== undefined && slowest[1].worstDelaySeconds >= 1;
  return (
    <article class="card">
      <h3>Gateway</h3>
      <p class="big">
        <Mark level={contracts.held ? 'critical' : late ? 'warning' : 'well'}>
          {contracts.held ? 'checks stand still' : late ? 'a thread is late' : 'on time'}
        </Mark>
      </p>
      <Facts
        rows={[
          ['Runs for', lasting(now.startedAt, nowMs.value)],
          ['Version', `${now.version}, Node.js ${now.node}`],
          ['Latest thread', slowest ? `${slowest[0]}, ${span(slowest[1].worstDelaySeconds)}` : 'not known'],
          ['Configuration', reloadWords(now.reload)],
        ]}
      />
    </article>
  );
}

function reloadWords(reload: Status['reload']): string {
  if (!reload) return 'from no file';
  if (reload.result === 'refused') return 'the last reload was refused';
  if (reload.result === 'incomplete') return 'the last reload came to a part of it';
  return reload.needsRestart.length > 0 ? `${reload.needsRestart.join(', ')} wait for a restart` : 'all in force';
}

function Happenings() {
  const all = told.value;
  return (
    <Panel title="What happened">
      {all.length === 0 ? (
        <p class="empty">
          {feed.value === 'live'
            ? 'Nothing since the gateway started.'
            : `Shown only while the page is live. ${visible(untold.value)}`}
        </p>
      ) : (
        <ol class="happenings">
          {all.slice(0, 30).map((one) => {
            const { level, text } = happening(one);
            return (
              <li key={one.key}>
                <time datetime={one.at}>{shortClock(one.at, nowMs.value)}</time>
                <Mark level={level}>{visible(text)}</Mark>
              </li>
            );
          })}
        </ol>
      )}
    </Panel>
  );
}
