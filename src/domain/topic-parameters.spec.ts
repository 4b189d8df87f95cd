import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parameterised, parameterProblem, parametersOf } from './topic-parameters.js';

describe('parameterProblem', () => {
  it('a parameter is one whole level with a name of its own', () => {
    const refused: [string, RegExp][] = [
      ['devices/a{id}/telemetry', /whole level/],
      ['devices/{id}b', /whole level/],
      ['devices/{id', /whole level/],
      ['devices/{{id}}', /whole level/],
      ['devices/{}', /name of a parameter/],
      ['devices/{__proto__}', /name of a parameter/],
      ['devices/{a b}', /name of a parameter/],
      [`devices/{${'x'.repeat(65)}}`, /name of a parameter/],
      ['devices/{#}', /# cannot be named/],
      ['{a}/{b}/{a}', /same name/],
      ['$share/{group}/a', /group of a shared filter/],
    ];
    for (const [filter, problem] of refused) assert.match(parameterProblem(filter) ?? 'none', problem, filter);
    for (const filter of ['a/+/#', '{a}', '{site}/{deviceId}/+/#', '$share/g/{constructor}/b', '']) {
      assert.equal(parameterProblem(filter), undefined, filter);
    }
  });
});

describe('parameterised', () => {
  it('asks the broker for + and knows the level in the topic, also of a shared filter', () => {
    assert.deepEqual(parameterised('devices/{deviceId}/+/{kind}/#'), {
      filter: 'devices/+/+/+/#',
      parameters: [
        { name: 'deviceId', level: 1 },
        { name: 'kind', level: 3 },
      ],
    });
    assert.deepEqual(parameterised('$share/pods/devices/{deviceId}'), {
      filter: '$share/pods/devices/+',
      parameters: [{ name: 'deviceId', level: 1 }],
    });
    assert.deepEqual(parameterised('devices/+/telemetry'), { filter: 'devices/+/telemetry', parameters: [] });
  });
});

describe('parametersOf', () => {
  it('the first filter that matches names the levels, also when it names none', () => {
    const find = parametersOf(
      ['devices/0/+', '$share/pods/devices/{deviceId}/{kind}', 'devices/{other}/{levels}', '{constructor}'].map(
        parameterised,
      ),
    );
    const values = { deviceId: 'a', kind: 'état' };
    assert.deepEqual([find('devices/a/état'), find('devices/a/état')], [values, values]);
    assert.deepEqual(find('devices//'), { deviceId: '', kind: '' });
    assert.deepEqual(find('devices/0/x'), {});
    assert.deepEqual(find('elsewhere/a/b'), {});
    assert.deepEqual(Object.keys(find('x')), ['constructor']);
    assert.deepEqual(find('$SYS'), {});
  });

  it('answers the same for topics past the cache', () => {
    const find = parametersOf([parameterised('d/{id}')]);
    for (let i = 0; i < 20_010; i++) assert.equal(find(`d/${i}`)['id'], `${i}`);
    assert.equal(find('d/0')['id'], '0');
    const long = 'x'.repeat(10_000);
    assert.equal(find(`d/${long}`)['id'], long);
  });
});
