/** Subscriptions that change under load, at Mosquitto: nothing is lost, nothing unchecked gets through, and the link never drops. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync, type MqttClient } from 'mqtt';
import { stringify } from 'yaml';
import { startFlow, type Flow } from '../support/flow.js';
import type { GatewayConfig } from '../support/gateway-config.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';
import { Volume } from '../support/volume.js';

const FILES = { 'reading.json': JSON.stringify({ type: 'object', required: ['ok'] }) };

interface Section {
  subscriptions: { name: string; filter: string; qos?: number; contract: string }[];
  contracts: GatewayConfig;
}

/** With these subscriptions, by name; each has a contract of its own, and all of them the same schema. */
function sections(filters: { [name: string]: string }, qos?: number): Section {
  const names = Object.keys(filters);
  return {
    subscriptions: names.map((name) => ({
      name,
      filter: filters[name]!,
      contract: name,
      ...(qos === undefined ? {} : { qos }),
    })),
    contracts: Object.fromEntries(names.map((name) => [name, { schema: 'reading.json' }])),
  };
}

class Scene {
  readonly sent: { [stream: string]: number } = {};
  #streams: Promise<void>[] = [];
  #on = true;

  private constructor(
    readonly flow: Flow,
    readonly volume: Volume,
    private readonly device: MqttClient,
  ) {}

  /** The folder of the configuration is a mounted volume if `mounted`. */
  static async start(t: TestContext, filters: { [name: string]: string }, mounted = false): Promise<Scene> {
    const volume = new Volume();
    volume.put(mounted ? { ...FILES, 'gateway.yaml': '' } : FILES);
    const { directory } = volume;
    const flow = await startFlow(t, {
      gateway: { directory },
      config: ({ receiverUrl }) => ({
        ...sections(filters),
        subscribers: [{ id: 'app', url: receiverUrl, topics: ['#'], ordering: 'none' }],
      }),
    });
    const device = await connectAsync(flow.broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    return new Scene(flow, volume, device);
  }

  /** Publishes to it until the end: payloads that are valid, and after each one that is not. */
  stream(topic: string): void {
    this.sent[topic] = 0;
    this.#streams.push(
      (async () => {
        while (this.#on) {
          await this.publish(topic, { ok: ++this.sent[topic]! });
          await this.publish(topic, { no: this.sent[topic] });
          await sleep(3);
        }
      })(),
    );
  }

  publish(topic: string, payload: object): Promise<unknown> {
    return this.device.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
  }

  /** Values of `ok` that came of a topic. */
  delivered(topic: string): Set<number> {
    const found = new Set<number>();
    for (const { headers, body } of this.flow.receiver.requests) {
      const { ok } = JSON.parse(body.toString()) as { ok?: number };
      assert.ok(ok !== undefined, `unchecked: ${body.toString()}`);
      if (headers['mqtt-topic'] === topic) found.add(ok);
    }
    return found;
  }

  text(filters: { [name: string]: string }, qos?: number): string {
    return stringify({ ...this.flow.config, ...sections(filters, qos) });
  }

  write(filters: { [name: string]: string }, qos?: number): void {
    writeFileSync(join(this.volume.directory, 'gateway.yaml'), this.text(filters, qos));
  }

  /** These are granted, and all that is shown. */
  async subscribed(...names: string[]): Promise<void> {
    const { gateway } = this.flow;
    const granted = async (): Promise<boolean> => (await gateway.link()).subscribed.join() === names.join();
    await until(granted, { what: () => `${names.join()}\n${gateway.report}`, everyMs: 50, timeoutMs: 20_000 });
    const { text } = await gateway.ops('/metrics');
    const series = text.match(/(?<=holdfast_link_subscription_denied\{subscription=")[^"]*/g) ?? [];
    assert.deepEqual(series.sort(), [...names].sort());
  }

  /** What is published from now on comes. */
  async comes(topic: string): Promise<void> {
    const ok = 1_000_000 + Math.round(performance.now());
    await this.publish(topic, { ok });
    await until(() => this.delivered(topic).has(ok), { what: () => `${topic} to come\n${this.flow.gateway.report}` });
  }

  async comesNoMore(topic: string): Promise<void> {
    const gone = async (): Promise<boolean> => {
      const before = this.delivered(topic).size;
      await this.publish(topic, { ok: 2_000_000 + Math.round(performance.now()) });
      await this.comes('always/a');
      return this.delivered(topic).size === before;
    };
    await until(gone, { what: () => `nothing more of ${topic}` });
  }

  /** Of every stream everything was delivered, and the link has stood all the while. */
  async nothingIsLost(): Promise<void> {
    this.#on = false;
    await Promise.all(this.#streams);
    const { gateway } = this.flow;
    for (const [topic, sent] of Object.entries(this.sent)) {
      assert.ok(sent > 50, `${sent} of ${topic}`);
      const missing = (): number[] => {
        const delivered = this.delivered(topic);
        return Array.from({ length: sent }, (_, i) => i + 1).filter((n) => !delivered.has(n));
      };
      const what = (): string => `${missing().length} of ${sent} of ${topic}: ${missing().slice(0, 20).join()}`;
      await until(() => missing().length === 0, { what, timeoutMs: 20_000 });
    }
    const { counters, drops } = await gateway.link();
    assert.deepEqual([counters.connects, drops], [1, []]);
    assert.equal(await gateway.metric('holdfast_link_connects_total'), 1);
  }
}

describe('subscriptions that change under load', { skip: needs('mosquitto') }, () => {
  it('the file is written anew, and again with SIGHUP: added, widened, renamed, another QoS, removed', async (t) => {
    const always = { always: 'always/+' };
    const scene = await Scene.start(t, { ...always, part: 'part/+/t' });
    const { gateway } = scene.flow;
    scene.stream('always/a');
    scene.stream('part/1/t');
    scene.write({ ...always, more: 'more/+', part: 'part/#' });
    await scene.subscribed('always', 'more', 'part');
    await Promise.all([scene.comes('more/a'), scene.comes('part/2')]);
    scene.write({ other: 'always/+', part: 'part/+/t' }, 2);
    gateway.signal('SIGHUP');
    await scene.subscribed('other', 'part');
    await Promise.all([scene.comesNoMore('more/a'), scene.comes('part/1/t')]);
    await scene.nothingIsLost();
    const told = gateway.logs.filter(({ msg }) => msg.includes('is in force'));
    assert.deepEqual(
      told.map(({ trigger }) => trigger),
      ['file', 'signal'],
    );
    assert.ok(!gateway.logs.some(({ needsRestart }) => needsRestart !== undefined));
    // Whoever starts again with the file has nothing to ask for that is not there.
    await gateway.stop();
    const { directory } = scene.volume;
    scene.flow.config['subscriptions'] = sections({ other: 'always/+', part: 'part/+/t' }, 2).subscriptions;
    scene.flow.config['contracts'] = sections({ other: 'always/+', part: 'part/+/t' }).contracts;
    await scene.flow.restart({ directory });
    await scene.subscribed('other', 'part');
    assert.equal((await scene.flow.gateway.link()).sessionPresent, true);
    await scene.comes('always/a');
  });

  it('a mounted volume is swapped by its link: a subscription goes with its contract and the file of that, and comes back', async (t) => {
    const scene = await Scene.start(t, { always: 'always/+', some: 'some/+' }, true);
    const { gateway } = scene.flow;
    scene.stream('always/a');
    await scene.comes('some/a');
    const config = scene.text({ always: 'always/+' }).replaceAll('reading.json', 'other.json');
    scene.volume.put({ 'gateway.yaml': config, 'other.json': FILES['reading.json'] });
    await scene.subscribed('always');
    await scene.comesNoMore('some/a');
    const refused = { ...FILES, 'gateway.yaml': scene.text({ always: 'always/+', some: 'always/a' }) };
    scene.volume.put(refused);
    const refusal = () => gateway.logs.find(({ msg }) => msg === 'the new configuration cannot be used');
    await until(refusal, { what: 'filters that overlap to be refused' });
    assert.match(
      `${String(refusal()!['path'])} ${String(refusal()!['problem'])}`,
      /^subscriptions\[1\]\.filter overlaps/,
    );
    await scene.subscribed('always');
    scene.volume.put({ ...FILES, 'gateway.yaml': scene.text({ always: 'always/+', some: 'some/+' }) });
    await scene.subscribed('always', 'some');
    await scene.comes('some/a');
    await scene.nothingIsLost();
  });
});
