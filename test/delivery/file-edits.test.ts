/** Random edits of the file's subscribers, with traffic, faults and kills, against a model of who is owed what. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { Delivery } from '../../src/delivery/delivery.js';
import type { DeliveryObserver } from '../../src/delivery/observer.js';
import type { Outcome, Sender } from '../../src/domain/attempt.js';
import { systemClock } from '../../src/domain/clock.js';
import { packMessages } from '../../src/domain/message.js';
import { SUBSCRIBER_DEFAULTS, type SubscriberSettings } from '../../src/domain/subscriber.js';
import { topicMatches } from '../../src/domain/topic.js';
import { message } from '../../src/journal/journal.suite.js';
import { directory, open, type OpenSqlite } from '../../src/journal/sqlite.fixture.js';
import { Registry } from '../../src/registration/index.js';
import { between, pick, seededRandom, type Random } from '../support/seed.js';
import { until } from '../support/until.js';

const TOPICS = ['t/0', 't/1', 't/2', 'u/0'];
const FILTERS = [['#'], ['t/#'], ['t/0', 'u/+'], ['t/1']];
const IDS = ['a', 'b', 'c', 'd', 'e'];
const ROUNDS = 4;
const STEPS = 60;
const FOR_EVER_MS = 100 * 365 * 86_400_000;
const FAILS: Outcome = { kind: 'retry', reason: 'status', status: 500, detail: '', opensBreaker: false };

type Mood = 'well' | 'failing' | 'slow' | 'hanging';

function subscriber(id: string, more: Partial<SubscriberSettings>): SubscriberSettings {
  const defaults = SUBSCRIBER_DEFAULTS as unknown as SubscriberSettings;
  const retry = { scheduleMs: new Array<number>(5_000).fill(10), maxAgeMs: 3_600_000 };
  const breaker = { failures: 1_000_000, openForMs: 1 };
  return { ...defaults, id, url: 'http://1/', topics: ['#'], ordering: 'topic', retry, breaker, ...more };
}

function wants(filters: readonly string[], topic: string): boolean {
  return filters.some((filter) => topicMatches(filter, topic));
}

/** What one subscriber was given, and must be given, since it last began. */
class Account {
  readonly owed = new Set<number>();
  readonly given = new Set<number>();
  /** Not asked for by what the file said once: they need not come, and after a kill they may come late. */
  readonly excused = new Set<number>();
  /** Positions by topic, as they first came. */
  readonly #order = new Map<string, number[]>();
  readonly #seen = new Set<number>();

  came(position: number, topic: string): void {
    if (this.#seen.has(position)) return;
    this.#seen.add(position);
    this.#order.set(topic, [...(this.#order.get(topic) ?? []), position]);
  }

  assertOrdered(): void {
    for (const [topic, all] of this.#order) {
      const positions = all.filter((position) => !this.excused.has(position));
      const sorted = positions.toSorted((a, b) => a - b);
      assert.deepEqual(positions, sorted, `the order of ${topic}`);
    }
  }

  get missing(): number[] {
    return [...this.owed].filter((position) => !this.given.has(position));
  }
}

/** Journal, delivery and registry of one life of the gateway; what a kill leaves is on the disk. */
class Life {
  #dead = false;
  readonly delivery: Delivery;
  readonly registry: Registry;

  constructor(
    private readonly opened: OpenSqlite,
    private readonly world: World,
  ) {
    const journal = this.#wire();
    const { reader } = opened;
    const nothing = (): void => undefined;
    const observer: DeliveryObserver = {
      ...{ attempt: nothing, delivered: nothing, state: nothing, failed: nothing, recovered: nothing, died: nothing },
      ...{ discarded: nothing, saveFailed: nothing, fault: (id, error) => assert.fail(`${id}: ${String(error)}`) },
    };
    const clock = systemClock;
    this.delivery = new Delivery({ journal, reader, observer, clock, random: world.random });
    const senderOf = (one: SubscriberSettings): Sender => this.#sender(one);
    this.registry = new Registry({
      ...{ journal, reader, clock, senderOf, trustedSenderOf: senderOf, delivery: this.delivery },
      parse: (id) => subscriber(id, { url: 'http://rest/' }),
      refusal: () => Promise.resolve(undefined),
      test: () => Promise.reject(new Error('nobody asks')),
      observer: {
        ...{ added: nothing, removed: nothing, changed: nothing, discarded: nothing, passedOver: nothing },
        ...{ replaysEnded: nothing, impaired: nothing, saveFailed: nothing },
      },
    });
  }

  async start(): Promise<void> {
    const file = [...this.world.file.values()];
    await this.registry.start(file.map((settings) => ({ settings, sender: this.#sender(settings), source: 'file' })));
  }

  async append(topics: readonly string[]): Promise<number> {
    const { journal } = this.opened;
    await journal.append(packMessages(topics.map((topic, n) => message(n, { topic }))));
    const { last } = await journal.stats();
    await journal.admit(last, []);
    this.delivery.admitted(last);
    return last;
  }

  kill(): void {
    this.#dead = true;
    void this.delivery.stop(0);
    this.opened.kill();
  }

  /** The journal as another thread is: calls take a turn, and after a kill nobody answers. */
  #wire(): OpenSqlite['journal'] {
    const never = new Promise(() => undefined);
    const call = async (method: (...args: unknown[]) => unknown, args: unknown[]): Promise<unknown> => {
      await turn();
      const answer: unknown = this.#dead ? never : await method.apply(this.opened.journal, args);
      return this.#dead ? never : answer;
    };
    return new Proxy(this.opened.journal, {
      get: (target, name) => {
        const method = Reflect.get(target, name, target) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => call(method, args);
      },
    });
  }

  #sender(settings: SubscriberSettings): Sender {
    const { world } = this;
    return {
      send: async ({ position, topic }, { signal }) => {
        if (this.#dead) return new Promise(() => undefined);
        const mood = world.moods.get(settings.id) ?? 'well';
        world.sent(settings, position, topic);
        if (mood === 'slow') await sleep(between(world.random, 1, 20));
        while (!signal?.aborted && mood === 'hanging' && world.moods.get(settings.id) === mood) await sleep(5);
        if (mood === 'failing' || mood === 'hanging') return FAILS;
        // What the receiver has is its, whether or not the gateway lives to hear of it.
        world.accountOf(settings.id).given.add(position);
        return { kind: 'delivered' };
      },
      close: () => Promise.resolve(),
    };
  }
}

class World {
  readonly file = new Map<string, SubscriberSettings>();
  /** Who is known, and by which topics. */
  known = new Map<string, string[]>();
  readonly accounts = new Map<string, Account>();
  readonly moods = new Map<string, Mood>();
  readonly paused = new Set<string>();
  readonly registered = new Set<string>();
  /** By position, from 1. */
  readonly topics: string[] = [''];
  readonly #place = directory();
  #life!: Life;
  #changing = false;
  #urls = 1;
  /** Resolves when the file is in force. */
  #changed: Promise<unknown> = Promise.resolve();

  constructor(readonly random: Random) {}

  async run(): Promise<void> {
    await this.#restart();
    try {
      for (let step = 0; step < STEPS; step++) await this.#step();
      await this.#end();
    } finally {
      this.#life.kill();
    }
  }

  sent({ id, url, topics }: SubscriberSettings, position: number, topic: string): void {
    this.accountOf(id).came(position, topic);
    if (this.#changing) return;
    const said = this.file.get(id);
    if (said) assert.equal(url, said.url, `where ${id} leads`);
    assert.ok(topics.length > 0);
  }

  /** Who has just come may be given something before the file is said to be in force. */
  accountOf(id: string): Account {
    const account = this.accounts.get(id) ?? new Account();
    this.accounts.set(id, account);
    return account;
  }

  async #step(): Promise<void> {
    const { random } = this;
    const id = pick(random, IDS);
    const dice = between(random, 0, 99);
    if (dice < 40) await this.#append(between(random, 1, 20));
    else if (dice < 65) await this.#edit(false);
    else if (dice < 72) await this.#edit(true);
    else if (dice < 77) await this.#restart();
    else if (dice < 87) this.moods.set(id, pick(random, ['well', 'failing', 'slow', 'failing', 'slow', 'hanging']));
    else if (dice < 92) await this.#pause(id);
    else await this.#rest(id);
    if (random() < 0.5) await sleep(between(random, 0, 10));
  }

  async #append(count: number): Promise<void> {
    const before = this.known;
    const some = Array.from({ length: count }, () => pick(this.random, TOPICS));
    const first = this.topics.length;
    this.topics.push(...some);
    await this.#life.append(some);
    // Of one that changes meanwhile only what it wanted before and wants after is certain.
    await this.#changed;
    some.forEach((topic, i) => {
      for (const [id, filters] of this.known) {
        const certain = wants(before.get(id) ?? [], topic) && wants(filters, topic);
        const { owed, excused } = this.accountOf(id);
        (certain ? owed : excused).add(first + i);
      }
    });
  }

  /** Another file; @param killed while it is put in force */
  async #edit(killed: boolean): Promise<void> {
    const { random, file } = this;
    for (let edits = between(random, 1, 3); edits > 0; edits--) {
      const id = pick(random, IDS);
      if (file.has(id) && random() < 0.4) file.delete(id);
      else {
        const startFrom = pick(random, ['now', 'earliest'] as const);
        const url = `http://${++this.#urls}/`;
        file.set(id, subscriber(id, { topics: pick(random, FILTERS), url, startFrom }));
      }
    }
    this.#changing = true;
    const configured = this.#life.registry.configure([...file.values()]);
    if (killed) {
      for (let turns = between(random, 0, 30); turns > 0; turns--) await turn();
      return this.#restart();
    }
    this.#changed = configured.then((failed) => {
      assert.deepEqual(failed, []);
      this.#changing = false;
      this.#account();
    });
    if (random() < 0.5) await this.#append(5);
    await this.#changed;
  }

  async #restart(): Promise<void> {
    this.#life?.kill();
    this.#changing = true;
    this.#life = new Life(await open(this.#place, { retentionMs: FOR_EVER_MS }), this);
    await this.#life.start();
    this.#changing = false;
    this.#life.delivery.admitted(this.topics.length - 1);
    this.#account();
  }

  /** Who is known now, held against what the file and the registrations say; whoever is not had had everything. */
  #account(): void {
    const shown = new Map(this.#life.registry.list().map((one) => [one.id, one]));
    for (const id of IDS) {
      const view = shown.get(id);
      const said = this.file.get(id);
      const source = said ? 'file' : this.registered.has(id) ? 'registered' : 'absent';
      if (!view) {
        assert.equal(source, 'absent', `${id} is missing`);
        this.#close(id);
        continue;
      }
      assert.equal(view.source, source, id);
      const topics = said?.topics ?? (source === 'registered' ? ['#'] : this.known.get(id)!);
      assert.deepEqual(view.topics, topics);
      if (source !== 'absent') assert.equal(view.state === 'paused', this.paused.has(id), `whether ${id} is paused`);
      const account = this.accountOf(id);
      if (!this.known.has(id)) this.#begin(account, said);
      this.topics.forEach((topic, position) => {
        if (wants(topics, topic)) return;
        account.owed.delete(position);
        account.excused.add(position);
      });
    }
    this.known = new Map([...shown].map(([id, { topics }]) => [id, topics]));
  }

  #begin({ owed }: Account, said: SubscriberSettings | undefined): void {
    if (said?.startFrom !== 'earliest') return;
    this.topics.forEach((topic, position) => {
      if (position > 0 && wants(said.topics, topic)) owed.add(position);
    });
  }

  #close(id: string): void {
    const account = this.accounts.get(id);
    assert.deepEqual(account?.missing ?? [], [], `${id} was forgotten`);
    account?.assertOrdered();
    this.accounts.delete(id);
    this.paused.delete(id);
  }

  async #pause(id: string): Promise<void> {
    const { registry } = this.#life;
    if (!registry.isServed(id)) return;
    const pauses = !this.paused.has(id);
    await (pauses ? registry.pause(id) : registry.resume(id));
    if (pauses) this.paused.add(id);
    else this.paused.delete(id);
  }

  async #rest(id: string): Promise<void> {
    const { registry } = this.#life;
    const refusals = ['SUBSCRIBER_READ_ONLY', 'BACKLOG_WOULD_BE_LOST', 'NOT_FOUND'];
    const puts = this.random() < 0.6;
    const work = puts ? registry.put(id, {}, false) : registry.remove(id, false);
    const code = await work.then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    if (code !== undefined) return assert.ok(refusals.includes(code), code);
    if (puts) this.registered.add(id);
    else this.registered.delete(id);
    this.#account();
  }

  /** All are well, in the file and free: then everything that is owed comes. */
  async #end(): Promise<void> {
    this.moods.clear();
    for (const id of this.known.keys()) if (!this.file.has(id)) this.file.set(id, subscriber(id, {}));
    if (this.random() < 0.5) await this.#restart();
    this.#changing = true;
    assert.deepEqual(await this.#life.registry.configure([...this.file.values()]), []);
    this.#changing = false;
    this.#account();
    for (const id of [...this.paused]) await this.#pause(id);
    const missing = (): string[] => [...this.accounts].flatMap(([id, one]) => one.missing.map((n) => `${id} ${n}`));
    const came = (): boolean => missing().length === 0;
    await until(came, { what: () => `what is owed: ${missing().join()}`, timeoutMs: 20_000 });
    const lags = (): number[] => this.#life.registry.list().map(({ lagRecords }) => lagRecords);
    await until(() => lags().every((lag) => lag === 0), { what: () => `no lag: ${lags().join()}` });
    for (const account of this.accounts.values()) account.assertOrdered();
  }
}

describe('random edits of the file', () => {
  for (let round = 0; round < ROUNDS; round++) {
    it(`whoever is owed a record is given it, in order, over edits, REST, faults and kills: ${round}`, async () => {
      await new World(seededRandom(800 + round)).run();
    });
  }
});
