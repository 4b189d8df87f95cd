import type { LinkStatus } from '../domain/link.js';
import { topicMatches } from '../domain/topic.js';
import { meansOf, type Examination, type Means } from './examination.js';
import { askGateway, judgeConflicts } from './gateway.js';
import { shakeHands } from './handshake.js';
import { checkKeepalive } from './keepalive.js';
import { judgeLimits } from './limits.js';
import { knock, resolveName } from './network.js';
import type { OwnSession } from './own-session.js';
import { checkListening, checkPublish } from './publishing.js';
import { skipped, together, type Verdict } from './row.js';
import type { Rows } from './rows.js';
import { checkConnect, checkKept, protocolOf, type Connected } from './session-checks.js';
import { checkSubscription } from './subscription.js';
import { takeOver } from './takeover.js';
import { upgrade } from './upgrade.js';

/** After so many checks in a row that the broker left unanswered, the rest of their kind would take too long. */
const UNANSWERED_MAX = 3;

/** One broker, from its name to its limits. */
export class Walk {
  constructor(
    private readonly rows: Rows,
    private readonly session: OwnSession,
    private readonly examination: Examination,
    private readonly gateway: LinkStatus | undefined,
  ) {}

  get #means(): Means {
    return meansOf(this.examination);
  }

  async go(): Promise<void> {
    const blocked = await this.#reach();
    if (blocked !== undefined) return this.#giveUp(['CONNECT', 'session kept'], blocked);
    const connected = await this.#connect();
    if (!connected.limits) return this.#giveUp(['session kept'], 'CONNECT');
    await this.rows.examine(
      'session kept',
      { seen: 'the second connect was not answered', mend: CONNECTING },
      (signal) => inTime(signal, checkKept(this.session, connected, signal)),
    );
    await this.#clientId();
    await this.#subscriptions();
    await this.#probes();
    await this.rows.examine('keepalive', { seen: 'no PINGRESP', mend: SILENT }, (signal) =>
      inTime(signal, checkKeepalive(this.session, connected.limits?.serverKeepAlive, signal)),
    );
    const limits = judgeLimits(connected.limits, this.examination.settings, protocolOf(this.session));
    this.rows.add('broker limits', limits);
  }

  /** Name, port, TLS, WebSocket. @returns the check that failed, if one did */
  async #reach(): Promise<string | undefined> {
    const { session, rows } = this;
    const { address, settings } = session;
    const { broker } = settings;
    const { secure, webSocket, port } = address;
    const later = [...(secure ? ['TLS'] : []), ...(webSocket ? ['WebSocket upgrade'] : [])];
    const stop = (at: string): string => {
      rows.leaveOut(later, `not reached: ${at} failed`);
      return at;
    };
    let addresses: string[] = [];
    const name = await rows.examine(
      'DNS',
      {
        seen: 'the name was not resolved',
        mend: 'The DNS server does not answer: check the DNS of this machine or cluster.',
      },
      async () => {
        const resolved = await resolveName(address);
        addresses = resolved.addresses;
        return resolved.verdict;
      },
    );
    if (name.state === 'failed') {
      rows.leaveOut(['TCP'], 'not reached: DNS failed');
      return stop('DNS');
    }
    const open = await rows.examine('TCP', { mend: SILENT }, (signal) => knock(port, addresses, signal));
    if (open.state === 'failed') return stop('TCP');
    if (secure) {
      const hands = await rows.examine('TLS', { mend: SILENT }, (signal) => shakeHands(address, broker.tls, signal));
      if (later.shift() && hands.state === 'failed') return stop('TLS');
    } else rows.add('TLS', skipped(`${new URL(address.url).protocol}// goes without TLS`));
    if (!webSocket) return undefined;
    const mend = 'Is this the broker’s WebSocket port, and the path right? Else look at the proxy in front of it.';
    const upgraded = await rows.examine('WebSocket upgrade', { mend }, (signal) =>
      inTime(signal, upgrade(address, broker, signal)),
    );
    return upgraded.state === 'failed' ? 'WebSocket upgrade' : undefined;
  }

  async #connect(): Promise<Connected> {
    let connected: Connected | undefined;
    const verdict = await this.rows.examine('CONNECT', { seen: 'no CONNACK', mend: CONNECTING }, async (signal) => {
      connected = await checkConnect(this.session, signal);
      return signal.aborted ? undefined : connected.verdict;
    });
    return verdict.state !== 'failed' && connected ? connected : { verdict };
  }

  async #clientId(): Promise<void> {
    const { gateway, rows, session, examination } = this;
    const { settings, takeover, limitMs } = examination;
    const clientId = gateway?.clientId ?? settings.session.clientId;
    if (!takeover) {
      if (gateway) rows.add('client id', judgeConflicts(gateway, Date.now(), this.#means));
      else
        rows.add(
          'client id',
          examination.gateway
            ? skipped('the gateway has not started its link yet', 'Ask again when it has.')
            : skipped(
                'no gateway runs that could be asked, and only --takeover connects with its client id',
                'Ask again while the gateway runs, or with --takeover while it is stopped.',
              ),
        );
      return;
    }
    if (clientId === '') {
      rows.add(
        'client id',
        skipped(
          'session.clientId is empty: the gateway makes one, and only while it runs can it be asked',
          'Ask again while the gateway runs.',
        ),
      );
      return;
    }
    const ask = async (): Promise<LinkStatus | undefined> => {
      if (!gateway) return undefined;
      const answer = await askGateway(settings.http, clientId, AbortSignal.timeout(limitMs));
      return 'status' in answer ? answer.status : undefined;
    };
    const known = gateway ? judgeConflicts(gateway, Date.now(), this.#means) : undefined;
    await rows.examine('client id', { mend: CONNECTING }, async (signal) => {
      const taken = await inTime(signal, takeOver({ session, clientId, limitMs, gateway: ask }, signal));
      return taken && known && known.state !== 'ok' ? together([known, taken]) : taken;
    });
  }

  async #subscriptions(): Promise<void> {
    let unanswered = 0;
    for (const [i, subscription] of this.examination.settings.subscriptions.entries()) {
      if (unanswered >= UNANSWERED_MAX) {
        const left = this.examination.settings.subscriptions.slice(i);
        this.rows.leaveOut(left.map(subscriptionCheck), `not asked: ${UNANSWERED_MAX} before it were left unanswered`);
        return;
      }
      let answered = false;
      const user = this.examination.settings.broker.username ?? 'this client';
      const silence = {
        seen: `no SUBACK for ${subscription.filter}`,
        mend: `Look at the broker’s log, and at its ACL for ${user}.`,
      };
      await this.rows.examine(subscriptionCheck(subscription), silence, async (signal) => {
        const verdict = await checkSubscription(this.session, subscription, this.gateway, signal);
        answered = !signal.aborted;
        return answered ? verdict : undefined;
      });
      unanswered = answered ? 0 : unanswered + 1;
    }
  }

  /** Publishing, and listening through each subscription that the probe topic belongs to. */
  async #probes(): Promise<void> {
    const { rows, session, examination } = this;
    const { probeTopics, settings, limitMs } = examination;
    if (probeTopics.length === 0) {
      rows.add(
        'publish',
        skipped(
          `nothing is published without ${this.#means.probe}`,
          'Name a topic that nobody acts on, best one under a filter of the subscriptions.',
        ),
      );
      rows.add('listen', skipped(`whether the broker withholds what it grants shows only with ${this.#means.probe}`));
      return;
    }
    for (const topic of probeTopics) {
      const published = await rows.examine(`publish ${topic}`, { seen: 'no PUBACK', mend: SILENT }, (signal) =>
        inTime(signal, checkPublish(session, topic, signal)),
      );
      const matching = settings.subscriptions.filter(({ filter }) => topicMatches(filter, topic));
      const listens = matching.length > 0 ? matching : [{ name: topic, filter: topic }];
      for (const { name, filter } of listens) {
        if (published.state === 'failed') rows.leaveOut([`listen ${name}`], 'not reached: publish failed');
        else {
          await rows.examine(`listen ${name}`, { mend: SILENT }, (signal) =>
            inTime(signal, checkListening(session, { filter, topic }, limitMs, signal)),
          );
        }
      }
    }
  }

  /** Nothing more can be asked at this broker; what the gateway knows of its client id is known all the same. */
  #giveUp(checks: string[], failed: string): void {
    const { probeTopics, settings, takeover } = this.examination;
    const asked = this.gateway !== undefined && !takeover;
    const publishing =
      probeTopics.length === 0
        ? ['publish', 'listen']
        : probeTopics.flatMap((topic) => [`publish ${topic}`, `listen ${topic}`]);
    const later = [...settings.subscriptions.map(subscriptionCheck), ...publishing, 'keepalive', 'broker limits'];
    this.rows.leaveOut([...checks, ...(asked ? [] : ['client id']), ...later], `not reached: ${failed} failed`);
    if (asked) this.rows.add('client id', judgeConflicts(this.gateway, Date.now(), this.#means));
  }
}

/** A connection that was cut because time was up says so as if the broker had hung up: then the silence is the finding. */
async function inTime(signal: AbortSignal, check: Promise<Verdict>): Promise<Verdict | undefined> {
  const verdict = await check;
  return signal.aborted ? undefined : verdict;
}

function subscriptionCheck({ name }: { name: string }): string {
  return `subscription ${name}`;
}

const SILENT = 'The broker is overloaded or stuck, or something on the way swallows packets: look at both.';
const CONNECTING =
  'The port takes connections but does not answer MQTT: is it the right port? Else the broker is overloaded or waits for its login backend.';
