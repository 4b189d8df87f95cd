import { Counter, Gauge, Registry } from 'prom-client';
import { CAUSES, type Cause } from '../domain/cause.js';
import type { ContractThreadHealth } from '../domain/contract.js';
import type { LinkEvent, LinkStatus } from '../domain/link.js';

/** What the link thread counts. Every label value exists from the start. */
export class LinkMetrics {
  readonly registry = new Registry();
  readonly #connects: Counter;
  readonly #refused: Counter<'cause'>;
  readonly #reconnects: Counter<'cause'>;
  readonly #drops: Counter<'cause'>;
  readonly #resumes: Counter<'result'>;

  /**
   * @param subscriptions the names of those in force
   * @param delays the worst of each thread, in milliseconds
   * @param contracts how the contract thread is; undefined until it has begun
   */
  constructor(
    private readonly status: () => LinkStatus | undefined,
    subscriptions: () => readonly string[],
    delays: () => { [thread: string]: number },
    contracts: () => ContractThreadHealth | undefined,
  ) {
    const registers = [this.registry];
    const gauge = gaugesIn(registers);
    gauge('holdfast_link_up', '1 while the broker is connected.', () => (this.status()?.state === 'up' ? 1 : 0));
    gauge(
      'holdfast_link_pending_acks',
      'Messages received and not yet acknowledged.',
      () => this.status()?.pendingAcks ?? 0,
    );
    gauge(
      'holdfast_link_canary_seconds',
      'How long the last canary took to come back, or how long a missing one has been away.',
      () => this.status()?.canary?.seconds ?? 0,
    );
    gauge('holdfast_link_canary_silent', '1 while the canary does not come back.', () =>
      this.status()?.canary?.silent === true ? 1 : 0,
    );
    this.#connects = new Counter({
      name: 'holdfast_link_connects_total',
      help: 'Connections the broker accepted.',
      registers,
    });
    const byCause = (name: string, help: string): Counter<'cause'> =>
      withValues(new Counter({ name, help, labelNames: ['cause'], registers }), CAUSES);
    this.#refused = byCause('holdfast_link_refused_total', 'Connects that were refused or failed.');
    this.#reconnects = byCause('holdfast_link_reconnects_total', 'Connects after a drop, by the cause of the drop.');
    this.#drops = byCause('holdfast_link_drops_total', 'Connections that ended without having been asked to.');
    this.#resumes = new Counter({
      name: 'holdfast_link_session_resumes_total',
      help: 'Connects by what became of the session: resumed, or lost although one was expected.',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['resumed', 'lost']) this.#resumes.inc({ result }, 0);
    const bySubscription = (name: string, help: string, of: (status: LinkStatus) => Iterable<string>): void =>
      void new Gauge({
        ...{ name, help, labelNames: ['subscription'], registers },
        collect() {
          this.reset();
          const link = status();
          const found = new Set(link && of(link));
          for (const subscription of subscriptions()) this.set({ subscription }, found.has(subscription) ? 1 : 0);
        },
      });
    const [denied, unanswered] = ['holdfast_link_subscription_denied', 'holdfast_link_subscription_unanswered'];
    bySubscription(denied, '1 while the broker refuses the subscription.', (link) => Object.keys(link.denied));
    bySubscription(unanswered, '1 while the broker does not answer the SUBSCRIBE.', (link) => link.unanswered);
    this.#messages(registers);
    threadGauges(registers, delays, contracts);
  }

  observe(event: LinkEvent): void {
    if (event.kind === 'up') {
      this.#connects.inc();
      if (event.sessionPresent) this.#resumes.inc({ result: 'resumed' });
      if (event.reconnect) this.#reconnects.inc({ cause: event.after ?? 'unknown' });
    } else if (event.kind === 'dropped') this.#drops.inc({ cause: event.diagnosis.cause });
    else if (event.kind === 'refused') this.#refused.inc({ cause: event.diagnosis.cause });
    else if (event.kind === 'session-lost') this.#resumes.inc({ result: 'lost' });
  }

  #messages(registers: Registry[]): void {
    const counters = () => this.status()?.counters;
    new Counter({
      name: 'holdfast_messages_received_total',
      help: 'Messages taken from the socket.',
      labelNames: ['qos'],
      registers,
      collect() {
        this.reset();
        for (const qos of [0, 1, 2] as const) this.inc({ qos }, counters()?.received[qos] ?? 0);
      },
    });
    new Counter({
      name: 'holdfast_messages_journaled_total',
      help: 'Messages on disk.',
      registers,
      collect() {
        this.reset();
        this.inc(counters()?.journaled ?? 0);
      },
    });
    new Counter({
      name: 'holdfast_messages_dropped_total',
      help: 'QoS 0 messages that came faster than the disk could take them.',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        this.inc({ reason: 'overrun' }, counters()?.dropped ?? 0);
      },
    });
  }
}

function withValues(counter: Counter<'cause'>, causes: readonly Cause[]): Counter<'cause'> {
  for (const cause of causes) counter.inc({ cause }, 0);
  return counter;
}

type NewGauge = (name: string, help: string, value: () => number) => void;

function gaugesIn(registers: Registry[]): NewGauge {
  return (name, help, value) =>
    void new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
}

function threadGauges(
  registers: Registry[],
  delays: () => { [thread: string]: number },
  contracts: () => ContractThreadHealth | undefined,
): void {
  new Gauge({
    name: 'holdfast_thread_delay_seconds',
    help: 'The worst delay of a thread during the last half minute.',
    labelNames: ['thread'],
    registers,
    collect() {
      for (const [thread, delayMs] of Object.entries(delays())) this.set({ thread }, delayMs / 1000);
    },
  });
  const gauge = gaugesIn(registers);
  const [lost, held] = ['holdfast_contract_threads_lost', 'holdfast_contract_threads_held'];
  gauge(lost, 'Contract threads that were told to end and have not.', () => contracts()?.lost ?? 0);
  gauge(held, '1 while so many are lost that nothing is checked.', () => (contracts()?.held === true ? 1 : 0));
}
