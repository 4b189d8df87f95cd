/** Values that are no values of the chart, or no configuration of the gateway, are refused before anything is made of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { needs } from '../support/needs.js';
import { read } from '../tidy/tree.js';
import { refusal, render, type Values } from './helm.js';

const schema = JSON.parse(read('helm/holdfast/values.schema.json')) as { $defs: { [name: string]: object } };

describe('values.yaml', () => {
  it('has no figure that the capacity of the gateway has not', () => {
    const figures = read('helm/holdfast/values.yaml').match(/\d+ 000|\d+ MB|\d+\.\d+ million|70 minutes/g) ?? [];
    const known = read('docs/OPERATIONS.md');
    assert.ok(figures.length >= 6);
    assert.deepEqual(
      figures.filter((figure) => !known.includes(figure)),
      [],
    );
  });
});

describe('values.schema.json', () => {
  it('is a schema that the default values fit', () => {
    const validate = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false }).compile(schema);
    assert.ok(validate(parse(read('helm/holdfast/values.yaml'))), JSON.stringify(validate.errors));
  });

  it('says of every value what type it is, and lets nobody add one', () => {
    const loose = [...looseIn(schema, '')];
    assert.deepEqual(loose, []);
    assert.deepEqual([...looseIn({ properties: { a: { description: 'any' } } }, '')].length, 2);
  });

  it('has the gateway’s own schema in it', () => {
    const own = JSON.parse(read('config/gateway.schema.json')) as { properties: object; $defs: object };
    assert.deepEqual((schema.$defs['configuration'] as typeof own).properties, own.properties);
    for (const [name, definition] of Object.entries(own.$defs)) assert.deepEqual(schema.$defs[name], definition);
  });
});

/** Objects with keys of their own that take others, and values without a type. */
function* looseIn(part: object, path: string): Generator<string> {
  const { properties, additionalProperties } = part as { properties?: object; additionalProperties?: unknown };
  if (properties === undefined) return;
  if (additionalProperties !== false) yield `${path}: takes other keys`;
  for (const [key, value] of Object.entries(properties) as [string, object][]) {
    const typed = ['type', 'enum', '$ref'].some((keyword) => keyword in value);
    if (!typed) yield `${path}/${key}: has no type`;
    yield* looseIn(value, `${path}/${key}`);
  }
}

describe('wrong values', { skip: needs('helm') }, () => {
  const wrong: [string, Values][] = [
    ["at '': additional properties 'replicaCount' not allowed", { replicaCount: 2 }],
    ["at '': missing property 'config'", { config: null }],
    ["at '/probes': missing property 'liveness'", { probes: { liveness: null } }],
    ["at '/mode': value must be one of 'standalone', 'sidecar'", { mode: 'deployment' }],
    ["at '/replicas': got string, want integer", { replicas: 'two' }],
    ["at '/replicas': minimum: got -1, want 0", { replicas: -1 }],
    ["at '/image/tag': got number, want string", { image: { tag: 1.1 } }],
    ["at '/image/digest': 'sha256:1' does not match pattern", { image: { digest: 'sha256:1' } }],
    [
      "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
      { image: { pullPolicy: 'always' } },
    ],
    ["at '/persistence/size': '2 GB' does not match pattern", { persistence: { size: '2 GB' } }],
    ["at '/persistence': additional properties 'storageclass' not allowed", { persistence: { storageclass: 'fast' } }],
    ["at '/resources': additional properties 'request' not allowed", { resources: { request: {} } }],
    ["at '/resources/limits/memory': '512mb' does not match pattern", { resources: { limits: { memory: '512mb' } } }],
    ["at '/probes/liveness': additional properties 'httpGet' not allowed", { probes: { liveness: { httpGet: {} } } }],
    [
      "at '/podDisruptionBudget/maxUnavailable': minimum: got 0, want 1",
      { podDisruptionBudget: { maxUnavailable: 0 } },
    ],
    [
      "at '/podDisruptionBudget/maxUnavailable': maximum: got 1",
      { podDisruptionBudget: { maxUnavailable: 1_000_000 } },
    ],
    ["at '/revisionHistoryLimit': maximum: got 1", { revisionHistoryLimit: 1_000_000 }],
    ["at '/fullnameOverride': '7gw' does not match pattern", { fullnameOverride: '7gw' }],
    ["at '/nameOverride': 'a.b' does not match pattern", { nameOverride: 'a.b' }],
    [
      "at '/probes/readiness': additional properties 'terminationGracePeriodSeconds' not allowed",
      { probes: { readiness: { terminationGracePeriodSeconds: 5 } } },
    ],
    ["at '/extraEnv/0': missing property 'name'", { extraEnv: [{ value: 'x' }] }],
    ["at '/commonLabels/a': got number, want string", { commonLabels: { a: 1 } }],
    ["at '/secrets/values': additional properties 'a/b' not allowed", { secrets: { values: { 'a/b': '' } } }],
    [
      "at '/metrics/podMonitor/interval': 'often' does not match pattern",
      { metrics: { podMonitor: { interval: 'often' } } },
    ],
    ["at '/config': additional properties 'sesion' not allowed", { config: { sesion: {} } }],
    ["at '/config/session': additional properties 'clientID' not allowed", { config: { session: { clientID: 'x' } } }],
    ["at '/config/ops/drain': '20 s' does not match pattern", { config: { ops: { drain: '20 s' } } }],
    ["at '/config/broker/url': 'http://b' does not match pattern", { config: { broker: { url: 'http://b' } } }],
    ["at '/config/subscribers/0': missing properties 'url', 'topics'", { config: { subscribers: [{ id: 'a' }] } }],
    ["at '/config': got string, want object", { config: 'broker: {}' }],
  ];
  for (const [said, values] of wrong) {
    it(said, () => {
      const problem = refusal(values);
      assert.match(problem, /values don't meet the specifications of the schema/);
      assert.ok(problem.includes(said), problem);
    });
  }

  it('what the gateway’s configuration may be is not narrowed', () => {
    render({
      config: parse(
        read('config/gateway.example.yaml').replaceAll(/\n +schema: .*|\.\/data/g, (m) =>
          m === './data' ? '/data' : '',
        ),
      ) as Values,
    });
  });

  it('what the README shows is taken', () => {
    const [, shown] = /```yaml\n(secrets:[^`]*)```/.exec(read('helm/holdfast/README.md'))!;
    assert.ok(render(parse(shown!) as Values).some(({ kind }) => kind === 'StatefulSet'));
  });
});
