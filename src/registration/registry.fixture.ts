import { HoldfastError } from '../domain/errors.js';
import type { Record } from '../domain/record.js';
import {
  SUBSCRIBER_DEFAULTS,
  type Hold,
  type KnownSubscriber,
  type Registration,
  type SubscriberProgress,
  type SubscriberSettings,
} from '../domain/subscriber.js';
import type { RegistryParts, Serving, Standing, Target, TestResult } from './parts.js';
import { Registry } from './registry.js';
import type { Body } from './secrets.js';

export const FREE: Hold = { paused: false, gone: '' };
export const URL_A = 'http://a/';
export const NOW = Date.UTC(2026, 0, 31);

/** Journal and delivery of the test's own: what is registered, who is served and how, what was said. */
export class House {
  readonly rows = new Map<string, { topics: string[]; hold: Hold }>();
  readonly kept = new Map<string, Body>();
  readonly served = new Map<string, Target & { cursor: number; freshAt?: number }>();
  readonly held: string[] = [];
  beforeChange: () => Promise<void> = () => Promise.resolve();
  readonly said: string[] = [];
  readonly waiting: ReturnType<RegistryParts['reader']['waiting']> = [];
  readonly topics: string[] = [];
  /** By position; absent: empty. */
  readonly payloads: string[] = [];
  discarded: number[] = [];
  lag = 0;
  last = 20;
  replays: Standing['replays'] = [];
  heldUntil: number | undefined;
  disk: 'well' | 'full' = 'well';
  /** Whether the journal has nothing left for one that leaves. */
  done = true;
  refusal: string | undefined;
  tests = 0;
  readonly registry: Registry;

  constructor(readonly parseFails: ReadonlySet<string> = new Set()) {
    const parts: RegistryParts = {
      journal: {
        registerSubscribers: (all) => Promise.resolve(all.map((one) => this.#know(one))),
        knowSubscriber: (one) => this.#onDisk(() => this.#know(one)),
        retireSubscriber: (id) =>
          this.#onDisk(() => {
            if (!this.done) return false;
            this.rows.delete(id);
            return true;
          }),
        saveRegistration: (registration, subscriber, discarded) => this.#save(registration, subscriber, discarded),
        removeSubscriber: (id) => {
          this.rows.delete(id);
          this.kept.delete(id);
          return Promise.resolve();
        },
        holdSubscriber: (id, hold) => {
          if (this.disk === 'full') return Promise.reject(new HoldfastError('JOURNAL_FULL', 'no room'));
          this.rows.get(id)!.hold = hold;
          this.held.push(id);
          return Promise.resolve();
        },
        stats: () => Promise.resolve({ admitted: 0 } as Awaited<ReturnType<RegistryParts['journal']['stats']>>),
      },
      reader: {
        lastPosition: () => this.last,
        progress: () => [...this.rows].map(([id, row]) => ({ id, cursor: 0, freshAt: NOW, ...row })),
        registrations: () => [...this.kept].map(([id, body]) => ({ id, body })),
        waiting: () => this.waiting,
        recordsAt: (positions) => positions.map((position) => this.#record(position)),
        admittedAfter: (from, through) =>
          this.topics.slice(from + 1, through + 1).map((_topic, i) => this.#record(from + 1 + i)),
        topicCounts: (from, through) =>
          this.topics.slice(from + 1, through + 1).map((topic) => ({ topic, count: 1, bytes: 0 })),
      },
      delivery: this.#delivery(),
      clock: { now: () => NOW },
      parse: (id, body) => this.#parse(id, body as Body),
      trustedSenderOf: () => ({ send: () => Promise.resolve({ kind: 'delivered' }), close: () => Promise.resolve() }),
      senderOf: () => ({ send: () => Promise.resolve({ kind: 'delivered' }), close: () => Promise.resolve() }),
      refusal: () => Promise.resolve(this.refusal),
      test: async () => {
        this.tests++;
        await new Promise((resolve) => setImmediate(resolve));
        return { outcome: 'delivered' } as TestResult;
      },
      observer: {
        added: (id) => this.said.push(`added ${id}`),
        removed: (id) => this.said.push(`removed ${id}`),
        changed: (id, what) => this.said.push(`${what} ${id}`),
        discarded: (id, records) => this.said.push(`discarded ${records} of ${id}`),
        passedOver: (id, records) => this.said.push(`${records} of ${id} passed over`),
        impaired: (id, why) => this.said.push(`impaired ${id}: ${why}`),
        replaysEnded: (id, count) => this.said.push(`${count} replays of ${id} ended`),
        saveFailed: (id) => this.said.push(`not saved ${id}`),
      },
    };
    this.registry = new Registry(parts);
  }

  put(id: string, body: object = {}, discard = false): ReturnType<Registry['put']> {
    return this.registry.put(id, { url: URL_A, topics: ['#'], ...body }, discard);
  }

  answers410(id: string): void {
    this.served.set(id, { ...this.served.get(id)!, hold: { paused: false, gone: 'status 410' } });
    this.registry.gone(id, 'status 410');
  }

  #delivery(): Serving {
    const standing = (id: string): Standing => {
      const { paused, gone } = this.served.get(id)!.hold ?? FREE;
      const state = paused ? 'paused' : gone ? 'gone' : 'active';
      return {
        id,
        state,
        reason: gone,
        ...(this.heldUntil === undefined ? {} : { heldUntil: this.heldUntil }),
        cursor: 0,
        lagRecords: this.lag,
        lagSeconds: 0,
        waiting: 0,
        inFlight: 0,
        replays: this.replays,
      };
    };
    const held = (id: string, hold: Hold): void => void this.served.set(id, { ...this.served.get(id)!, hold });
    return {
      start: (targets) => targets.forEach((target) => this.served.set(target.settings.id, target)),
      add: (target) => void this.served.set(target.settings.id, target),
      change: async (id, save) => {
        await this.beforeChange();
        const next = await save({ cursor: 1, through: this.topics.length - 1 });
        if (next) this.served.set(id, { ...next, cursor: 1 });
        else this.served.delete(id);
      },
      pause: (id) => held(id, { ...FREE, paused: true }),
      resume: (id) => held(id, FREE),
      lag: () => Promise.resolve(this.lag),
      status: () => [...this.served.keys()].map(standing),
    };
  }

  #know({ id, topics }: KnownSubscriber): SubscriberProgress {
    const row = { hold: this.rows.get(id)?.hold ?? FREE, topics };
    this.rows.set(id, row);
    return { id, cursor: 0, freshAt: NOW, ...row };
  }

  #save({ id, body }: Registration, subscriber: KnownSubscriber, discarded: number[]): Promise<SubscriberProgress> {
    if (this.disk === 'full') return Promise.reject(new HoldfastError('JOURNAL_FULL', 'no room'));
    this.kept.set(id, body);
    this.discarded = discarded;
    return Promise.resolve(this.#know(subscriber));
  }

  #onDisk<T>(write: () => T): Promise<T> {
    if (this.disk === 'full') return Promise.reject(new HoldfastError('JOURNAL_FULL', 'no room'));
    return Promise.resolve(write());
  }

  #record(position: number): Record {
    const payload = Buffer.from(this.payloads[position] ?? '');
    return { position, topic: this.topics[position]!, payload } as unknown as Record;
  }

  #parse(id: string, body: Body): SubscriberSettings {
    if (this.parseFails.has(id)) throw new HoldfastError('REQUEST_INVALID', 'bad', { details: { errors: [] } });
    const { topics, url, headers = {}, where, startFrom = 'now' } = body as unknown as SubscriberSettings;
    return { ...(SUBSCRIBER_DEFAULTS as unknown as SubscriberSettings), id, topics, url, headers, where, startFrom };
  }
}

export async function started(house = new House(), file: string[] = ['file']): Promise<House> {
  const sender: Target['sender'] = {
    send: () => Promise.resolve({ kind: 'delivered' }),
    close: () => Promise.resolve(),
  };
  const settings = { ...(SUBSCRIBER_DEFAULTS as unknown as SubscriberSettings), topics: ['#'], url: `${URL_A}?key=1` };
  await house.registry.start(file.map((id) => ({ settings: { ...settings, id }, sender, source: 'file' as const })));
  return house;
}
