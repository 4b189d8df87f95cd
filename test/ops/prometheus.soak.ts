/** A real Prometheus scrapes the gateway, with the rules as they are shipped: when the client id is fought over, its alert fires. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { stringify } from 'yaml';
import { Child } from '../support/children.js';
import { startFlow } from '../support/flow.js';
import { findProgram, needs } from '../support/needs.js';
import { freePort } from '../support/ports.js';
import { scratchDirectory } from '../support/scratch.js';
import { startOtlpReceiver } from '../support/otlp-receiver.js';
import { until } from '../support/until.js';
import { ROOT } from '../tidy/tree.js';

const RULES = 'helm/holdfast/rules/holdfast.rules.yaml';

type Ask = <T>(path: string) => Promise<T>;

interface RuleGroups {
  groups: { rules: { name: string; health: string }[] }[];
}

interface Exemplars {
  exemplars: { labels: { [name: string]: string } }[];
}

interface Alert {
  labels: { alertname: string; severity: string; instance?: string };
  annotations: { summary: string; runbook_url: string };
  state: 'pending' | 'firing';
}

describe('a real Prometheus', { skip: needs('mosquitto', 'prometheus') }, () => {
  it('takes what it scrapes, and the alert for a client-id conflict fires', async (t) => {
    const { broker, gateway } = await startFlow(t, { broker: { persistence: true } });
    const { opsPort } = gateway.ports;
    const prometheus = await startPrometheus(t, opsPort);
    await scraped(prometheus);
    const { groups } = await prometheus<RuleGroups>('rules');
    assert.ok(groups.length > 4);
    const firing = async (): Promise<Alert[]> =>
      (await prometheus<{ alerts: Alert[] }>('alerts')).alerts.filter(({ state }) => state === 'firing');
    assert.deepEqual(await firing(), [], 'nothing is wrong yet');

    const rival = await until(
      async () => {
        const client = await takeOver(broker.url);
        const conflicts = await gateway.metric('holdfast_link_drops_total', { cause: 'client-id-conflict' });
        if (conflicts > 0) return client;
        await client.endAsync(true);
        await gateway.linkUp();
        return undefined;
      },
      { what: () => `the conflict to be named\n${gateway.report}`, timeoutMs: 120_000, everyMs: 200 },
    );
    await rival.endAsync(true);
    const alert = await until(
      async () => (await firing()).find(({ labels }) => labels.alertname === 'HoldfastClientIdConflict'),
      { what: async () => `the alert ${JSON.stringify(await prometheus('alerts'))}`, timeoutMs: 60_000 },
    );
    const instance = `127.0.0.1:${opsPort}`;
    assert.equal(alert.labels.severity, 'critical');
    assert.equal(alert.annotations.summary, `Another client uses the client id of ${instance}.`);
    assert.match(alert.annotations.runbook_url, /OPERATIONS\.md#holdfastclientidconflict$/);
    const { groups: judged } = await prometheus<RuleGroups>('rules');
    assert.deepEqual(
      judged.flatMap((group) => group.rules).filter(({ health }) => health !== 'ok'),
      [],
    );
  });

  it('keeps the exemplars of a gateway that traces, and everything else as without them', async (t) => {
    const collector = await startOtlpReceiver();
    t.after(() => collector.stop());
    const { broker, gateway, receiver } = await startFlow(t, {
      config: ({ brokerUrl }) => ({ broker: { url: brokerUrl }, tracing: { endpoint: collector.url } }),
    });
    const { opsPort } = gateway.ports;
    const prometheus = await startPrometheus(t, opsPort, '--enable-feature=exemplar-storage');
    await scraped(prometheus);
    const device = await connectAsync(broker.url, { protocolVersion: 5 });
    t.after(() => device.endAsync(true));
    await device.publishAsync('devices/7/telemetry', '{}', { qos: 1 });
    await receiver.waitFor(1);
    const traceId = String(receiver.requests[0]!.headers['webhook-id']).replaceAll('-', '');
    for (const name of ['attempt', 'delivery']) {
      const query = `query=holdfast_${name}_seconds_bucket&start=${Date.now() / 1_000 - 600}&end=${Date.now() / 1_000 + 600}`;
      const found = await until(
        async () => {
          const series = await prometheus<Exemplars[]>(`query_exemplars?${query}`);
          const all = series.flatMap(({ exemplars }) => exemplars);
          return all.length > 0 ? all : undefined;
        },
        { what: async () => `exemplars ${JSON.stringify(await prometheus('targets'))}`, timeoutMs: 60_000 },
      );
      assert.deepEqual([...new Set(found.map(({ labels }) => labels['trace_id']))], [traceId], name);
    }
    const total = await prometheus<{ result: unknown[] }>('query?query=holdfast_link_connects_total');
    assert.equal(total.result.length, 1, 'counters have their names');
    const [target] = (await prometheus<{ activeTargets: { health: string; lastError: string }[] }>('targets'))
      .activeTargets;
    assert.deepEqual([target!.health, target!.lastError], ['up', '']);
  });
});

/** Resolves once Prometheus has taken what the gateway says. */
async function scraped(prometheus: Ask): Promise<void> {
  const isUp = async (): Promise<boolean> => {
    const { activeTargets } = await prometheus<{ activeTargets: { health: string }[] }>('targets');
    return activeTargets[0]?.health === 'up';
  };
  const what = async (): Promise<string> => `the scrape ${JSON.stringify(await prometheus('targets'))}`;
  await until(isUp, { what, timeoutMs: 60_000 });
}

/** With the gateway's client id: the broker ends the gateway's connection. */
function takeOver(url: string): Promise<MqttClient> {
  return connectAsync(url, { clientId: 'gateway', protocolVersion: 5, clean: false, reconnectPeriod: 0 });
}

/** On 127.0.0.1, with the shipped rules, looking every second. @returns what asks its API */
async function startPrometheus(t: TestContext, opsPort: number, ...options: string[]): Promise<Ask> {
  const directory = scratchDirectory('prometheus');
  const file = join(directory, 'prometheus.yaml');
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [join(ROOT, RULES)],
    scrape_configs: [{ job_name: 'holdfast', static_configs: [{ targets: [`127.0.0.1:${opsPort}`] }] }],
  };
  writeFileSync(file, stringify(config));
  const port = await freePort();
  const prometheus = new Child(findProgram('prometheus')!, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    ...options,
  ]);
  t.after(() => prometheus.stop('SIGKILL'));
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, { signal: AbortSignal.timeout(10_000) });
    return ((await answer.json()) as { data: T }).data;
  };
  const ready = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok;
  await until(ready, { what: () => `Prometheus\n${prometheus.tail}`, timeoutMs: 60_000, everyMs: 100 });
  return ask;
}
